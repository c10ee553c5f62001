/** The stable codes of `TensorError`; programs test these, never the sentence. */
export type TensorErrorCode =
  /** An engine (TensorFlow, BLAS) is not on this machine, or could not be fetched. */
  | 'engine-not-found'
  /** A library was found and is not what it should be: it lacks a symbol, or computes wrongly. */
  | 'bad-library'
  /** TensorFlow for GPUs runs, and there is none that it can use. */
  | 'no-gpu'
  /** A download or its check failed. */
  | 'fetch-failed'
  /** No TensorFlow.js backend of that name can be had here. */
  | 'unknown-backend'
  /** The backend was set up before, with other settings; they hold for the life of the process. */
  | 'backend-fixed'
  /** TensorFlow refused an operation, or failed in it. `details.operation` names it. */
  | 'tensorflow-error'
  /** An identifier of a tensor that was freed, or never existed. */
  | 'unknown-tensor'
  /** A number of a saved model that was deleted, or never loaded. */
  | 'unknown-model'
  /** An argument that the caller can put right: shapes, types, ranges. */
  | 'bad-argument'
  /** Something that this package does not offer. */
  | 'unsupported'
  /** A layout in memory that was fixed before, or does not fit. */
  | 'bad-layout'
  /** Used after `dispose()`. */
  | 'disposed'
  /** A lane (worker thread of an engine) died or hangs. */
  | 'lane-failed';

/** What goes wrong in this package: a code for programs, a sentence for people, and the facts in `details`. */
export class TensorError extends Error {
  override readonly name = 'TensorError';
  readonly code: TensorErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: TensorErrorCode, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }
}
