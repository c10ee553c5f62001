/** The stable codes of `BenchError`, and the exit code of each. */
const exitCodes = {
  /** An option that cannot work, or a file that cannot be used. */
  misuse: 2,
  /** A run was stopped by a signal; what is finished is kept. */
  stopped: 130,
} as const;

/** What ends a bench early: one line for people. */
export class BenchError extends Error {
  override readonly name = 'BenchError';
  readonly code: keyof typeof exitCodes;
  readonly exitCode: number;

  constructor(code: keyof typeof exitCodes, message: string) {
    super(message);
    this.code = code;
    this.exitCode = exitCodes[code];
  }
}
