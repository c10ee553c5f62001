import type { CallLine } from '../algorithms/call-line.ts';
import type { Cause } from '../errors.ts';

/** How a meeting ended. `departed`: a rank that was waited for has closed the group. */
export type Meeting = 'met' | 'aborted' | 'timeout' | 'departed';

/**
 * What the ranks of one host see of each other besides data: where they meet, the call each one is in, who has closed, and the
 * first cause of a failure. One implementation over mapped memory, one over a plain file.
 */
export interface Board {
  readonly rank: number;
  readonly size: number;
  /** Whether sleepers are woken across processes, or poll. */
  readonly futex: boolean;

  /** Every rank's line for the call about to be made, or being made: `advance` turns to the next ones. */
  lines(): readonly CallLine[];
  /** Turns all lines to the other slot, for the next call. */
  advance(): void;
  /** Shows this rank's line to the others; to be called before meeting. */
  publish(): void;
  /** Brings in the lines of the others; to be called after meeting. */
  collect(): void;

  /** Waits until every rank has come here as often as this one. Never longer than `timeoutMs`. */
  meet(timeoutMs: number): Meeting;
  /** The ranks that have met less often than this one, of which `departed` have closed. */
  missing(): number[];
  departed(): number[];
  /** Says that this rank has closed. */
  depart(): void;

  /**
   * Leaves the calling thread's mark, which the kernel strikes out when the thread ends; where it cannot, does nothing.
   *
   * @returns how to take it back.
   */
  sign(): () => void;
  /** The ranks whose marks were struck out: their processes are ending. */
  struckOut(): number[];

  /** Makes the group unusable on all ranks, unless it already is: the first cause stays. */
  raise(cause: Cause): void;
  /** One atomic load. */
  aborted(): boolean;
  /** The first cause; undefined while all is well. */
  cause(): Cause | undefined;
  /** Lets the ranks of this process that sleep look around: another rank has raised something. */
  wake(): void;

  /** The last call that a rank entered, for messages. */
  lastCall(rank: number): { operation: string; seq: number; step: number };
  /** A word of the memory itself, for the self-test. */
  peek(address: number): number;
  poke(address: number, value: number): void;
}

/** The thread of a rank that uses a board: its main thread, or its progress thread. */
export type BoardThread = 0 | 1;
