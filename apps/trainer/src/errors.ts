/** The stable codes of `TrainerError`; programs test these, never the sentence. */
export type TrainerErrorCode =
  /** An option or a combination of options that cannot work; exit code 2. */
  | 'misuse'
  /** A checkpoint that is missing, damaged, or of another model or data set; exit code 2. */
  | 'bad-checkpoint'
  /** A rank ended that should not have. */
  | 'rank-lost'
  /** The loss is not finite any more. */
  | 'diverged';

/** What goes wrong in the trainer: a code for programs, a sentence for people, and the facts in `details`. */
export class TrainerError extends Error {
  override readonly name = 'TrainerError';
  readonly code: TrainerErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: TrainerErrorCode, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

/** Exit codes of the command: 0 done, 1 a run that failed, 2 misuse; 130 and 143 stopped by a signal after saving. */
export const exitCode = { done: 0, failed: 1, misuse: 2, interrupted: 130, terminated: 143 } as const;

/** Codes of all packages that mean: the user can put it right by other options. */
const misuseCodes: ReadonlySet<string> = new Set([
  'misuse',
  'bad-checkpoint',
  // options of the optimizer and of the loader
  'bad-option',
  // data
  'missing-path',
  'unknown-format',
  'no-classes',
  'no-images',
  'not-a-tar',
  'damaged-file',
  'bad-module',
  'classes-differ',
]);

/** @returns the exit code that an error deserves. Across packages `code` is what counts, not the class. */
export const exitCodeOf = (error: unknown): number => (misuseCodes.has(codeOf(error)) ? exitCode.misuse : exitCode.failed);

/** The stable code of an error of any of our packages; empty for any other. */
export const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

/** One line for people: the sentence of an error of ours, name and sentence of any other. */
export function lineOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const ours = 'code' in error && 'details' in error;
  return (ours ? error.message : `${error.name}: ${error.message}`).replaceAll('\n', ' ');
}
