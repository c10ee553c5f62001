import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keyedRandom } from './keyed-random.ts';

const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const draws = (count: number, ...key: number[]) => {
  const random = keyedRandom(...key);
  return Array.from({ length: count }, random);
};

describe('keyedRandom', () => {
  test('depends on its key alone', () => {
    fc.assert(
      fc.property(word, word, word, (a, b, c) => {
        expect(draws(5, a, b, c)).toEqual(draws(5, a, b, c));
      }),
    );
  });

  test('differs where any word of the key differs by one bit, or the words change places', () => {
    fc.assert(
      fc.property(word, word, word, fc.nat(31), (a, b, c, bit) => {
        const flipped = (x: number) => (x ^ (1 << bit)) >>> 0;
        const here = draws(3, a, b, c);
        for (const key of [
          [flipped(a), b, c],
          [a, flipped(b), c],
          [a, b, flipped(c)],
        ])
          expect(draws(3, ...key)).not.toEqual(here);
        if (a !== b) expect(draws(3, b, a, c)).not.toEqual(here);
      }),
    );
  });

  // n uniform numbers have mean 1/2 within 6 standard errors of sqrt(1 / (12 n)), and every one of 16 bins holds n / 16 within 6 of sqrt(n / 16).
  test.each([
    ['along one stream', (n: number) => draws(n, 7)],
    ['over the first number of neighbouring keys', (n: number) => Array.from({ length: n }, (_, i) => draws(1, 3, 1, 0, i)[0]!)],
    ['over the fifth number of neighbouring keys', (n: number) => Array.from({ length: n }, (_, i) => draws(5, 3, 1, 0, i)[4]!)],
  ])('is uniform %s', (_, numbers) => {
    const n = 64_000;
    const values = numbers(n);
    expect(Math.abs(values.reduce((sum, v) => sum + v, 0) / n - 0.5)).toBeLessThan(6 * Math.sqrt(1 / (12 * n)));
    const bins = new Array<number>(16).fill(0);
    for (const value of values) bins[Math.floor(value * 16)]!++;
    for (const bin of bins) expect(Math.abs(bin - n / 16)).toBeLessThan(6 * Math.sqrt(n / 16));
    expect(Math.max(...values)).toBeLessThan(1);
  });
});
