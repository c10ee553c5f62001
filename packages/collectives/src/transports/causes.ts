import type { CallLine } from '../algorithms/call-line.ts';
import { type Call, describe } from '../call.ts';
import type { Cause } from '../errors.ts';
import type { Board } from '../memory/board.ts';

const list = (ranks: readonly number[]) => `rank${ranks.length > 1 ? 's' : ''} ${ranks.join(', ')}`;

function lastCallOf(board: Pick<Board, 'lastCall'>, rank: number): string {
  const { operation, seq, step } = board.lastCall(rank);
  return seq === 0
    ? `rank ${rank} has not entered any call`
    : `rank ${rank} was last in ${operation}, call ${seq} of step ${step}`;
}

/** Two ranks are in different calls. @param options.different the first rank whose call is not rank 0's. */
export function mismatch(lines: readonly CallLine[], { different, size }: { different: number; size: number }): Cause {
  return {
    code: 'mismatch',
    rank: different,
    message:
      `rank 0 called ${lines[0]!.describe(size)}; rank ${different} called ${lines[different]!.describe(size)}. All ranks must make the ` +
      'same calls, with the same counts, in the same order; plans built from different parameter lists differ like this.',
  };
}

/** Ranks did not come in time. */
export function missed(board: Pick<Board, 'lastCall' | 'missing'>, { call, waitedMs }: { call: Call; waitedMs: number }): Cause {
  const missing = board.missing();
  const where = missing.slice(0, 4).map((rank) => lastCallOf(board, rank));
  return {
    code: 'timeout',
    rank: missing[0],
    missingRanks: missing,
    waitedMs,
    message:
      `rank ${call.rank} waited ${waitedMs} ms in ${describe(call)} for ${list(missing)}. ${where.join('; ')}. ` +
      'A rank that is busy elsewhere needs a higher timeoutMs; one that took another way through the program never comes.',
  };
}

/** A rank that is waited for has closed the group. */
export function left(board: Board, call: Call): Cause {
  const missing = board.missing();
  const departed = board.departed().filter((rank) => missing.includes(rank));
  return {
    code: 'closed',
    rank: departed[0],
    missingRanks: missing,
    message: `${list(departed)} closed the group, while rank ${call.rank} waits in ${describe(call)}. ${lastCallOf(board, departed[0]!)}.`,
  };
}
