/** Where a set-up says what it does. */
export interface Report {
  /** Whether people watch a terminal: then tools draw their own progress bars. */
  readonly terminal: boolean;
  /** A line about work under way. */
  progress(line: string): void;
}

/** Says nothing: for programs that only want the result. */
export const silent: Report = { terminal: false, progress() {} };
