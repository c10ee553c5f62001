import { expectClose, tolerance } from '@distributed-shampoo/testing';
import { describe, expect, test } from 'vitest';
import { keyedRandom } from '../data/keyed-random.ts';
import { type Colour, colourApart, colourOfHue } from './colour.ts';

/** Full saturation and value would be 1; the stream gives their least, 0.55 and 0.6. */
const least = () => 0;

describe('colourOfHue', () => {
  // Value 0.6 and saturation 0.55: the strongest channel is 0.6, the weakest 0.6 x 0.45 = 0.27, one half way 0.435.
  test.each<[string, number, Colour]>([
    ['red', 0, [0.6, 0.27, 0.27]],
    ['yellow', 1 / 6, [0.6, 0.6, 0.27]],
    ['green', 1 / 3, [0.27, 0.6, 0.27]],
    ['cyan', 1 / 2, [0.27, 0.6, 0.6]],
    ['blue', 2 / 3, [0.27, 0.27, 0.6]],
    ['magenta', 5 / 6, [0.6, 0.27, 0.6]],
    ['orange', 1 / 12, [0.6, 0.435, 0.27]],
    ['red again after a turn', 1, [0.6, 0.27, 0.27]],
    ['magenta, a sixth before red', -1 / 6, [0.6, 0.27, 0.6]],
  ])('knows %s', (_, hue, colour) => {
    expectClose(colourOfHue(hue, 0, least), colour, tolerance.float32);
  });

  test('goes both ways from its hue', () => {
    const reds = Array.from({ length: 200 }, (_, i) => colourOfHue(0, 0.1, keyedRandom(i)));
    expect(reds.some(([, green, blue]) => green > blue + 0.1)).toBe(true);
    expect(reds.some(([, green, blue]) => blue > green + 0.1)).toBe(true);
    for (const [red, green, blue] of reds) expect(red).toBeGreaterThanOrEqual(Math.max(green, blue));
  });
});

describe('colourApart', () => {
  test('stands out from all others, at every strength', () => {
    for (let key = 0; key < 300; key++) {
      const random = keyedRandom(key);
      const others = [colourOfHue(random(), 0, random), colourApart([], 0.3, random)];
      const colour = colourApart(others, (key % 11) / 10, random);
      for (const other of others) expect(Math.hypot(...colour.map((value, i) => value - other[i]!))).toBeGreaterThanOrEqual(0.4);
      for (const value of colour) expect(Math.abs(value - 0.5)).toBeLessThanOrEqual(0.42 + 1e-12);
    }
  });

  test('is gray without strength', () => {
    const [red, green, blue] = colourApart([], 0, keyedRandom(1));
    expect([green, blue]).toEqual([red, red]);
  });
});
