/** Shares start on multiples of this, so that two ranks never write one cache line, nor a pair that is fetched together. */
export const SHARE_BYTES = 128;

/** A range of bytes. */
export interface ByteRange {
  readonly from: number;
  readonly end: number;
}

/**
 * The part of `lengthBytes` that `rank` works on: equal multiples of 128 bytes, the last rank takes the rest. Every byte belongs to
 * one rank.
 */
export function share(lengthBytes: number, rank: number, size: number): ByteRange {
  const each = Math.floor(lengthBytes / size / SHARE_BYTES) * SHARE_BYTES;
  return { from: rank * each, end: rank === size - 1 ? lengthBytes : (rank + 1) * each };
}
