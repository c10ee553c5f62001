import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { epochOrder, sampleStream } from './epoch-order.ts';

const length = fc.integer({ min: 1, max: 200 });
const seed = fc.nat(1000);

describe('epochOrder', () => {
  test('is a permutation', () => {
    fc.assert(
      fc.property(length, seed, fc.nat(5), (n, s, epoch) => {
        expect([...epochOrder(n, s, epoch)].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
      }),
    );
  });

  test('differs between epochs and between seeds', () => {
    expect(epochOrder(100, 1, 0)).not.toEqual(epochOrder(100, 1, 1));
    expect(epochOrder(100, 1, 0)).not.toEqual(epochOrder(100, 2, 0));
  });

  test('puts every image first about equally often', () => {
    // 4000 draws over 10 images: 400 each, standard deviation 19.
    const counts = new Array<number>(10).fill(0);
    for (let epoch = 0; epoch < 4000; epoch++) counts[epochOrder(10, 5, epoch)[0]!]!++;
    for (const count of counts) expect(Math.abs(count - 400)).toBeLessThan(6 * 19);
  });
});

describe('sampleStream', () => {
  test('shows every image once before any twice', () => {
    fc.assert(
      fc.property(length, seed, (n, s) => {
        const sampleAt = sampleStream(n, s);
        for (const epoch of [0, 1, 2]) {
          const samples = Array.from({ length: n }, (_, i) => sampleAt(epoch * n + i));
          expect(new Set(samples.map((sample) => sample.index)).size).toBe(n);
          expect(samples.every((sample) => sample.epoch === epoch)).toBe(true);
        }
      }),
    );
  });

  test('is a function of the position, not of the way there', () => {
    fc.assert(
      fc.property(length, seed, fc.array(fc.nat(1000), { minLength: 1, maxLength: 20 }), (n, s, positions) => {
        const jumping = sampleStream(n, s);
        for (const position of positions) expect(jumping(position)).toEqual(sampleStream(n, s)(position));
      }),
    );
  });
});
