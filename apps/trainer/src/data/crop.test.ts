import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Augmentation, centreView, randomView } from './crop.ts';
import { keyedRandom } from './keyed-random.ts';

const side = fc.integer({ min: 1, max: 600 });
const usual: Augmentation = { scale: [0.08, 1], ratio: [3 / 4, 4 / 3], mirror: 0.5 };

describe('randomView', () => {
  test('lies within the image', () => {
    fc.assert(
      fc.property(side, side, fc.nat(), (width, height, key) => {
        const { left, top, ...crop } = randomView({ width, height }, usual, keyedRandom(key)).rectangle;
        expect(left).toBeGreaterThanOrEqual(0);
        expect(top).toBeGreaterThanOrEqual(0);
        expect(crop.width).toBeGreaterThanOrEqual(1);
        expect(crop.height).toBeGreaterThanOrEqual(1);
        expect(left + crop.width).toBeLessThanOrEqual(width);
        expect(top + crop.height).toBeLessThanOrEqual(height);
      }),
    );
  });

  test('keeps to the ranges of area and ratio, to within the rounding to whole pixels', () => {
    fc.assert(
      fc.property(fc.integer({ min: 300, max: 600 }), fc.integer({ min: 300, max: 600 }), fc.nat(), (width, height, key) => {
        const crop = randomView({ width, height }, usual, keyedRandom(key)).rectangle;
        // A side of at least 73 pixels (8 % of 300 x 300 at ratio 3/4) is rounded by at most half a pixel: 0.7 %, in both sides 1.4 %.
        expect((crop.width * crop.height) / (width * height)).toBeGreaterThan(0.08 * 0.985);
        expect(crop.width / crop.height).toBeGreaterThan(0.75 * 0.985);
        expect(crop.width / crop.height).toBeLessThan((4 / 3) * 1.015);
      }),
    );
  });

  test('draws the area uniformly and mirrors as often as it is told', () => {
    const n = 20_000;
    const views = Array.from({ length: n }, (_, i) =>
      randomView({ width: 1000, height: 1000 }, { ...usual, scale: [0.2, 0.6] }, keyedRandom(i)),
    );
    const mean = views.reduce((sum, { rectangle }) => sum + (rectangle.width * rectangle.height) / 1e6, 0) / n;
    expect(Math.abs(mean - 0.4)).toBeLessThan(6 * (0.4 / Math.sqrt(12 * n)) + 0.001);
    expect(Math.abs(views.filter((view) => view.mirrored).length - n / 2)).toBeLessThan(6 * Math.sqrt(n / 4));
  });

  test('mirrors always or never where told so, for images of any form', () => {
    for (let key = 0; key < 50; key++) {
      for (const image of [
        { width: 40, height: 30 },
        { width: 900, height: 10 },
      ]) {
        for (const mirror of [0, 1])
          expect(randomView(image, { ...usual, mirror }, keyedRandom(key)).mirrored).toBe(mirror === 1);
      }
    }
  });

  test('reaches every corner', () => {
    const views = Array.from({ length: 2000 }, (_, i) =>
      randomView({ width: 10, height: 10 }, { ...usual, scale: [0.5, 0.5] }, keyedRandom(i)),
    );
    const corners = new Set(
      views.map(
        ({ rectangle: { left, top, width, height } }) => `${left === 0}${left + width === 10}${top === 0}${top + height === 10}`,
      ),
    );
    for (const corner of ['truefalsetruefalse', 'falsetruetruefalse', 'truefalsefalsetrue', 'falsetruefalsetrue'])
      expect(corners).toContain(corner);
  });

  test('takes the middle of an image that no allowed rectangle fits', () => {
    const view = randomView({ width: 900, height: 10 }, { ...usual, scale: [1, 1] }, keyedRandom(1));
    expect(view.rectangle).toEqual({ left: (900 - 13) / 2, top: 0, width: 13, height: 10 });
  });
});

describe('centreView', () => {
  test('is a centred square within the image', () => {
    fc.assert(
      fc.property(side, side, fc.integer({ min: 1, max: 300 }), (width, height, size) => {
        const { left, top, ...square } = centreView({ width, height }, size).rectangle;
        expect(square.width).toBe(square.height);
        expect(left * 2 + square.width).toBeCloseTo(width, 9);
        expect(top * 2 + square.height).toBeCloseTo(height, 9);
        expect(left).toBeGreaterThanOrEqual(0);
        expect(top).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test('shows 224 of 256 parts of a large image, and all of a small one', () => {
    expect(centreView({ width: 512, height: 256 }, 64).rectangle.width).toBe(224);
    expect(centreView({ width: 32, height: 32 }, 32).rectangle.width).toBe(32);
    expect(centreView({ width: 20, height: 30 }, 32).rectangle.width).toBe(20);
    // Between the two it never shows fewer pixels than are wanted.
    expect(centreView({ width: 33, height: 33 }, 32).rectangle.width).toBe(32);
  });
});
