/** The stable codes of `PreconditionerError`; programs test these, never the sentence. */
export type PreconditionerErrorCode =
  /** An option has a value, or a combination of values, that cannot work. `details.path` names it. */
  'bad-option';

/** What goes wrong in this package: a code for programs, a sentence for people, and the facts in `details`. */
export class PreconditionerError extends Error {
  override readonly name = 'PreconditionerError';
  readonly code: PreconditionerErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: PreconditionerErrorCode, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }
}
