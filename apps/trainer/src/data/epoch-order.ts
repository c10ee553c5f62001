import { keyedRandom, purpose } from './keyed-random.ts';

/** A place in the endless stream of training images. */
export interface Sample {
  /** Which image. */
  readonly index: number;
  /** How many times every image was seen before. */
  readonly epoch: number;
}

/** The order of an epoch: a permutation of 0 .. length-1 (Fisher and Yates) that depends on seed and epoch alone. */
export function epochOrder(length: number, seed: number, epoch: number): Uint32Array {
  const random = keyedRandom(seed, purpose.order, epoch);
  const order = Uint32Array.from({ length }, (_, i) => i);
  for (let last = length - 1; last > 0; last--) {
    const chosen = Math.floor(random() * (last + 1));
    const swapped = order[last]!;
    order[last] = order[chosen]!;
    order[chosen] = swapped;
  }
  return order;
}

/**
 * The endless stream: the orders of epoch 0, 1, 2, ... one after the other. Batches are cut from it without regard to epochs, so every
 * image is seen once before any is seen again, none is dropped, and a batch may be longer than the data set.
 *
 * @returns the sample at a position >= 0. The orders last used are kept, so that walking on costs nothing.
 */
export function sampleStream(length: number, seed: number): (position: number) => Sample {
  const recent = new Map<number, Uint32Array>();
  return (position) => {
    const epoch = Math.floor(position / length);
    let order = recent.get(epoch);
    if (!order) {
      for (const old of recent.keys()) if (recent.size >= 2) recent.delete(old);
      order = epochOrder(length, seed, epoch);
      recent.set(epoch, order);
    }
    return { index: order[position % length]!, epoch };
  };
}
