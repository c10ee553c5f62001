import type { Pixels } from './decode.ts';

/** Decoded images that stay in memory. */
export interface PixelCache {
  get(index: number): Pixels | undefined;
  /** Keeps a copy if there is room, else does nothing. */
  put(index: number, image: Pixels): void;
  /** Bytes taken so far. */
  readonly usedBytes: number;
}

const slabBytes = 4 << 20;

/**
 * Keeps images until `budgetBytes` are taken, and then those it has: an epoch visits every image once, so throwing out the oldest would
 * throw out what is needed next. Whether an image was kept or is decoded again makes no difference to what is trained.
 *
 * Small images lie side by side in slabs; a buffer for each of 50,000 would burden the garbage collector.
 */
export function createPixelCache(budgetBytes: number): PixelCache {
  const images = new Map<number, Pixels>();
  let slab = new Uint8Array(0);
  let filled = 0;
  let used = 0;
  const room = (length: number): Uint8Array => {
    if (length > slabBytes / 4) return new Uint8Array(length);
    if (filled + length > slab.length) {
      slab = new Uint8Array(Math.min(slabBytes, budgetBytes));
      filled = 0;
    }
    filled += length;
    return slab.subarray(filled - length, filled);
  };
  return {
    get: (index) => images.get(index),
    put(index, { data, width, height }) {
      if (used + data.length > budgetBytes || images.has(index)) return;
      used += data.length;
      const copy = room(data.length);
      copy.set(data);
      images.set(index, { data: copy, width, height });
    },
    get usedBytes() {
      return used;
    },
  };
}
