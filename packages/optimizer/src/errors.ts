/** The stable codes of `OptimizerError`; programs test these, never the sentence. */
export type OptimizerErrorCode =
  /** An option has a value, or a combination of values, that cannot work. `details.path` names it. */
  | 'bad-option'
  /** A variable that `build` was not given, two of one name, a gradient of another shape or type. */
  | 'bad-variable'
  /** A gradient holds NaN or infinity; nothing was changed. `details.variables` names them. */
  | 'not-finite'
  /** Ranks disagree: other variables, other options, or other gradients missing. */
  | 'ranks-differ'
  /** Roots of a block failed more often in a row than `toleratedFailures` allows. The step itself is whole. */
  | 'refresh-failed'
  /** Saved state is of other variables, shapes or groups; nothing was changed. `details.name` names the entry. */
  | 'checkpoint-mismatch'
  /** Used in a way that its state does not allow: stepped in evaluation mode, built twice, used after `dispose`. */
  | 'bad-state';

/** What goes wrong in this package: a code for programs, a sentence for people, and the facts in `details`. */
export class OptimizerError extends Error {
  override readonly name = 'OptimizerError';
  readonly code: OptimizerErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: OptimizerErrorCode, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }
}
