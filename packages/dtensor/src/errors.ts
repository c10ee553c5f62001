/** The stable codes of `DTensorError`; programs test these, never the sentence. */
export type DTensorErrorCode =
  /** A mesh whose axes do not fit its groups. */
  | 'bad-mesh'
  /** Counts that do not fit the mesh or the buffer, or a local part of the wrong length. */
  | 'bad-placement'
  /** There is no way from one placement to the other. */
  | 'unsupported-redistribution'
  /** Bytes that are no safetensors file, or lack what was asked of them. */
  | 'bad-file';

/** What goes wrong in this package: a code for programs, a sentence for people, and the facts in `details`. */
export class DTensorError extends Error {
  override readonly name = 'DTensorError';
  readonly code: DTensorErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: DTensorErrorCode, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }
}
