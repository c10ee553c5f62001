/**
 * Collectives on arrays anywhere: they pass through the staging slots in blocks. Each function is what follows the meeting in
 * which the ranks compared their calls.
 *
 * Blocks are numbered on through the life of the group, and each rank has three slots, used in turn. A slot is written again
 * three blocks later; between, every rank has met at least once after its last look at the old block. So one meeting a block is enough.
 */
import { type Call, partStart } from '../call.ts';
import { bytesOf, copyElements, type ReducibleType } from '../elements.ts';
import type { Staging } from '../memory/staging.ts';
import { SHARE_BYTES, share } from './shares.ts';

/** What a staged collective works with. */
export interface StagedPlace {
  readonly rank: number;
  readonly size: number;
  readonly staging: Staging;
  /** Waits for all ranks. @throws {CollectivesError} where the group fails. */
  meet(): void;
  /** The next `count` running numbers of blocks; the same on every rank. @returns the first. */
  takeBlocks(count: number): number;
}

const reduction = (call: Call, lengthBytes: number) => ({ op: call.op!, type: call.dtype.name as ReducibleType, lengthBytes });

/** The bytes of block `index`, as far as the array goes. */
const blockOf = (bytes: Uint8Array, index: number, blockBytes: number) =>
  bytes.subarray(index * blockBytes, Math.min((index + 1) * blockBytes, bytes.length));

/** x <- x_0 op x_1 op ...: all deposit a block, each adds its share of it, all collect the shares. */
export function stagedAllReduce({ rank, size, staging, meet, takeBlocks }: StagedPlace, call: Call): void {
  const bytes = bytesOf(call.output!);
  const count = Math.ceil(bytes.length / staging.blockBytes);
  const first = takeBlocks(count);
  const deposit = (b: number) => {
    if (b < count) staging.deposit({ block: first + b, at: 0 }, blockOf(bytes, b, staging.blockBytes));
  };
  deposit(0);
  meet();
  for (let b = 0; b < count; b++) {
    const block = blockOf(bytes, b, staging.blockBytes);
    const own = share(block.length, rank, size);
    if (own.end > own.from) staging.reduce({ block: first + b, at: own.from }, reduction(call, own.end - own.from));
    deposit(b + 1);
    meet();
    for (let r = 0; r < size; r++) {
      const { from, end } = share(block.length, r, size);
      if (end > from) staging.collect({ rank: r, block: first + b, at: from }, block.subarray(from, end));
    }
  }
}

/** mine <- part of whole_0 op whole_1 op ...: a block holds a piece of every rank's part, so all have something to add. */
export function stagedReduceScatter({ rank, size, staging, meet, takeBlocks }: StagedPlace, call: Call): void {
  const whole = bytesOf(call.input!);
  const mine = bytesOf(call.output!);
  const pieceBytes = Math.floor(staging.blockBytes / size / SHARE_BYTES) * SHARE_BYTES;
  const part = (r: number) => {
    const start = partStart(call.counts, r) * call.dtype.bytes;
    return whole.subarray(start, start + call.counts[r]! * call.dtype.bytes);
  };
  const parts = Array.from({ length: size }, (_, r) => part(r));
  const count = Math.ceil(Math.max(...parts.map((p) => p.length)) / pieceBytes);
  const first = takeBlocks(count);
  for (let b = 0; b < count; b++) {
    for (let r = 0; r < size; r++) {
      const piece = blockOf(parts[r]!, b, pieceBytes);
      if (piece.length > 0) staging.deposit({ block: first + b, at: r * pieceBytes }, piece);
    }
    meet();
    const own = blockOf(mine, b, pieceBytes);
    if (own.length === 0) continue;
    staging.reduce({ block: first + b, at: rank * pieceBytes }, reduction(call, own.length));
    staging.collect({ rank, block: first + b, at: rank * pieceBytes }, own);
  }
}

/** whole <- (mine_0, mine_1, ...). */
export function stagedAllGather({ rank, size, staging, meet, takeBlocks }: StagedPlace, call: Call): void {
  const whole = bytesOf(call.output!);
  const start = (r: number) => partStart(call.counts, r) * call.dtype.bytes;
  const parts = Array.from({ length: size }, (_, r) => whole.subarray(start(r), start(r + 1)));
  copyElements(call.output!.subarray(partStart(call.counts, rank), partStart(call.counts, rank + 1)), call.input!);
  const count = Math.ceil(Math.max(...parts.map((p) => p.length)) / staging.blockBytes);
  const first = takeBlocks(count);
  for (let b = 0; b < count; b++) {
    const own = blockOf(parts[rank]!, b, staging.blockBytes);
    if (own.length > 0) staging.deposit({ block: first + b, at: 0 }, own);
    meet();
    for (let r = 0; r < size; r++) {
      const piece = blockOf(parts[r]!, b, staging.blockBytes);
      if (r !== rank && piece.length > 0) staging.collect({ rank: r, block: first + b, at: 0 }, piece);
    }
  }
}

/** x <- x of the source. */
export function stagedBroadcast({ rank, staging, meet, takeBlocks }: StagedPlace, call: Call): void {
  const bytes = bytesOf(call.output!);
  const count = Math.ceil(bytes.length / staging.blockBytes);
  const first = takeBlocks(count);
  for (let b = 0; b < count; b++) {
    const block = blockOf(bytes, b, staging.blockBytes);
    if (rank === call.source) staging.deposit({ block: first + b, at: 0 }, block);
    meet();
    if (rank !== call.source) staging.collect({ rank: call.source!, block: first + b, at: 0 }, block);
  }
}
