import type { Cause } from '../errors.ts';
import type { Place } from '../rendezvous/environment.ts';
import type { Alarm } from './alarm.ts';

/** A rank is gone or stands still. @param options.board where its last call is written, once there is one. */
export function lostRank(rank: number, { reason, board, waitedMs }: { reason: string; board?: Alarm; waitedMs?: number }): Cause {
  const common = { code: 'peer-lost', rank, ...(waitedMs === undefined ? {} : { waitedMs }) } as const;
  if (board === undefined)
    return { ...common, message: `rank ${rank} is lost: ${reason}. It was lost while the group was starting.` };
  const { operation, seq, step } = board.lastCall(rank);
  if (seq === 0) return { ...common, message: `rank ${rank} is lost: ${reason}. It had not entered any call.` };
  const where = `The last call it entered was ${operation}, call ${seq} of step ${step}.`;
  return { ...common, operation, seq, step, message: `rank ${rank} is lost: ${reason}. ${where}` };
}

/** What is known when the start takes too long. */
export interface LateStart {
  readonly place: Place;
  readonly timeoutMs: number;
  /** The ranks that are there, as far as this rank knows; empty where it has not reached rank 0. */
  readonly joined: readonly number[];
  /** What callers were turned away for, or why the last call failed. */
  readonly why: string;
}

/** The start took too long: which ranks are missing, and why that may be. */
export function lateStart({ place, timeoutMs, joined, why }: LateStart): Cause {
  const { rank, size, host, port } = place;
  const where = `${host}:${port} within ${timeoutMs} ms`;
  const cause = (missingRanks: readonly number[], sentence: string): Cause => ({
    code: 'rendezvous',
    ...(missingRanks.length === 0 ? {} : { rank: missingRanks[0] }),
    missingRanks,
    waitedMs: timeoutMs,
    message: `rendezvous: ${sentence}`,
  });
  if (joined.length === 0) {
    return cause(
      [0],
      `rank ${rank} did not reach rank 0 at ${where}. ${why}Is rank 0 running, with the same MASTER_ADDR and MASTER_PORT?`,
    );
  }
  const missing = Array.from({ length: size }, (_, r) => r).filter((r) => !joined.includes(r));
  if (missing.length === 0) return cause([], `all ranks met, but did not agree on how to exchange data at ${where}.`);
  const ranks = `rank${missing.length > 1 ? 's' : ''} ${missing.join(', ')} of ${size}`;
  return cause(
    missing,
    `${ranks} did not come to ${where}. ${why}Were all ranks started, with the same MASTER_ADDR, MASTER_PORT and WORLD_SIZE?`,
  );
}
