/** What a stream of random numbers is for; part of its key, so that streams for different purposes are unrelated. */
export const purpose = { order: 1, augmentation: 2, drawing: 3 } as const;

/** A full-avalanche mix of a 32-bit word: every bit of the input moves about half the bits of the output. */
function mix(word: number): number {
  word = Math.imul(word ^ (word >>> 16), 0x7feb352d);
  word = Math.imul(word ^ (word >>> 15), 0x846ca68b);
  return (word ^ (word >>> 16)) >>> 0;
}

/**
 * Uniform numbers in [0, 1), 32 bits each, that depend on a key alone: neither on what was drawn before elsewhere nor on who draws.
 * So an image is augmented alike on whichever rank it lands, and a run that resumes at step N needs no generator state.
 *
 * The key is hashed into the state of a small chaotic generator with a counter (period at least 2^32).
 *
 * @param key integers in [0, 2^32), for example (seed, purpose, epoch, index).
 * @see Doty-Humphrey, PractRand, "sfc32"; the mix's multipliers are from Wellons, "Prospecting for Hash Functions", 2018.
 */
export function keyedRandom(...key: readonly number[]): () => number {
  let [a, b, c, counter] = [0x9e3779b9, 0x243f6a88, 0xb7e15162, 1];
  for (const word of key) {
    a = mix(a ^ word);
    b = mix(b + a);
    c = mix(c ^ b);
  }
  const next = () => {
    const sum = (a + b + counter++) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let warmUp = 0; warmUp < 8; warmUp++) next();
  return next;
}
