/** What can go wrong with a data set or a loader. The codes are the interface; the sentences are for people. */
export type DataErrorCode =
  | 'missing-path'
  | 'unknown-format'
  | 'no-classes'
  | 'no-images'
  | 'not-a-tar'
  | 'damaged-file'
  | 'bad-module'
  | 'classes-differ'
  | 'bad-option'
  | 'no-readable-image'
  | 'loader-failed'
  | 'loader-closed'
  | 'folder-in-use';

/** The error of this folder: a stable `code`, fields for programs, one line for people. */
export class DataError extends Error {
  override readonly name = 'DataError';
  readonly code: DataErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: DataErrorCode, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }
}
