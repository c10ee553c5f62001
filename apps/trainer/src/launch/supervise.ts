import type { ChildProcess } from 'node:child_process';
import { exitCode, TrainerError } from '../errors.ts';

/** After one rank failed, how long the others may take to notice and to end by themselves. */
const GRACE_MS = 3000;

/** A process that is a rank. */
export interface RankProcess {
  readonly rank: number;
  readonly child: ChildProcess;
}

/** What a launcher knows about its ranks that supervision does not. */
export interface Supervision {
  /** A message from a rank. `fail` ends the job, with this sentence as the cause unless there is one already. */
  readonly onMessage: (message: unknown, rank: number, fail: Fail) => void;
  /** Asks a rank to end in good order: the first SIGINT or SIGTERM. */
  readonly stop: (child: ChildProcess, signal: NodeJS.Signals) => void;
  readonly onSignal: (signal: NodeJS.Signals) => void;
  /** Where a rank was, for the sentence about its end: " after step 12", or nothing. */
  readonly where: (rank: number) => string;
}

/** Ends the job. An `exitCode` of 2 in `details` makes it a misuse. */
export type Fail = (message: string, details: Readonly<Record<string, unknown>>) => void;

/**
 * Stays until all ranks have ended.
 *
 * One that fails takes the others with it: they find it out themselves, and what has not ended after three seconds is killed. SIGINT and
 * SIGTERM ask all ranks to stop; a second one kills, which counts as a failure.
 *
 * @returns the exit code: 0, or 130 and 143 after a signal.
 * @throws {TrainerError} `rank-lost` or `misuse`, with the first cause.
 */
export function supervise(processes: readonly RankProcess[], { onMessage, stop, onSignal, where }: Supervision): Promise<number> {
  return new Promise((resolve, reject) => {
    const alive = new Map(processes.map(({ rank, child }) => [rank, child]));
    let failure: TrainerError | undefined;
    let signalled: number | undefined;
    let grace: NodeJS.Timeout | undefined;
    let killed = false;

    const kill = () => {
      killed = true;
      for (const child of alive.values()) child.kill('SIGKILL');
    };
    const fail: Fail = (message, details) => {
      failure ??= new TrainerError(details['exitCode'] === exitCode.misuse ? 'misuse' : 'rank-lost', message, details);
      grace ??= setTimeout(kill, GRACE_MS);
    };
    const heard = (signal: NodeJS.Signals) => {
      if (signalled !== undefined) {
        fail(`stopped at once by a second ${signal}.`, { signal });
        return kill();
      }
      signalled = signal === 'SIGINT' ? exitCode.interrupted : exitCode.terminated;
      onSignal(signal);
      for (const child of alive.values()) stop(child, signal);
    };
    const ended = (rank: number, code: number | null, signal: NodeJS.Signals | null) => {
      alive.delete(rank);
      const asked = killed || signalled !== undefined;
      if (signal !== null && !asked && failure?.details['signal'] === undefined) {
        // A rank that a signal ended could not say so itself, and is the cause of what the others report.
        failure = new TrainerError('rank-lost', `rank ${rank} was killed by ${signal}${where(rank)}.`, { rank, signal });
      }
      if (signal !== null ? !asked : code !== 0 && !(asked && code === signalled))
        fail(`rank ${rank} ended with exit code ${code}${where(rank)}.`, { rank, exitCode: code });
      if (alive.size > 0) return;
      clearTimeout(grace);
      process.off('SIGINT', heard);
      process.off('SIGTERM', heard);
      if (failure === undefined) resolve(signalled ?? exitCode.done);
      else reject(failure);
    };

    process.on('SIGINT', heard);
    process.on('SIGTERM', heard);
    for (const { rank, child } of processes) {
      child.on('message', (message) => onMessage(message, rank, fail));
      child.on('error', (error) => {
        fail(`rank ${rank} could not be started: ${error.message}`, { rank });
        // A process that never was has no exit.
        if (child.pid === undefined) ended(rank, exitCode.failed, null);
      });
      child.once('exit', (code, signal) => ended(rank, code, signal));
    }
  });
}
