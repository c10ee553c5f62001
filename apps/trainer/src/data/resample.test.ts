import { expectClose, tolerance } from '@distributed-shampoo/testing';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import type { Rectangle } from './crop.ts';
import type { Pixels } from './decode.ts';
import { keyedRandom } from './keyed-random.ts';
import { imagenetNormalisation } from './normalisation.ts';
import { createResample } from './resample.ts';
import { triangleTaps } from './taps.ts';

/** Leaves bytes as they are. */
const bytes = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] } as const;

const noise = (width: number, height: number, seed: number): Pixels => {
  const random = keyedRandom(seed);
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, () => random() * 256) };
};
const whole = ({ width, height }: Pixels): Rectangle => ({ left: 0, top: 0, width, height });
const shown = (image: Pixels, size: number, rectangle = whole(image), mirrored = false) => {
  const target = new Float32Array(size * size * 3);
  createResample(size, bytes)(image, { rectangle, mirrored }, target);
  return target;
};
/** Reverses every row of a square picture. */
const reversed = (picture: Float32Array, size: number) =>
  Float32Array.from(picture, (_, i) => {
    const [y, x, c] = [Math.floor(i / (size * 3)), Math.floor(i / 3) % size, i % 3];
    return picture[(y * size + size - 1 - x) * 3 + c]!;
  });

const side = fc.integer({ min: 1, max: 40 });
const rectangleIn = (width: number, height: number, random: () => number): Rectangle => {
  const [w, h] = [0.5 + random() * (width - 0.5), 0.5 + random() * (height - 0.5)];
  return { left: random() * (width - w), top: random() * (height - h), width: w, height: h };
};

describe('triangleTaps', () => {
  test('are means: weights are positive, sum to 1, and lie within the image', () => {
    fc.assert(
      fc.property(side, side, fc.nat(), fc.boolean(), (available, size, key, mirrored) => {
        const random = keyedRandom(key);
        const length = 0.01 + random() * (available - 0.01);
        const { first, count, weights, stride } = triangleTaps(
          { start: random() * (available - length), length, available },
          size,
          mirrored,
        );
        for (let x = 0; x < size; x++) {
          const own = weights.subarray(x * stride, x * stride + count[x]!);
          expect(count[x]).toBeGreaterThan(0);
          expect(count[x]).toBeLessThanOrEqual(stride);
          expect(first[x]).toBeGreaterThanOrEqual(0);
          expect(first[x]! + count[x]!).toBeLessThanOrEqual(available);
          expect(own.every((weight) => weight >= 0)).toBe(true);
          expect(own.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5);
        }
      }),
    );
  });
});

describe('resample', () => {
  test('at the same size changes nothing', () => {
    fc.assert(
      fc.property(side, fc.nat(), (size, seed) => {
        const image = noise(size, size, seed);
        expectClose(shown(image, size), image.data, tolerance.exact);
      }),
    );
  });

  test('of a crop in whole pixels at the same size is that crop', () => {
    const image = noise(12, 9, 1);
    const crop = shown(image, 5, { left: 4, top: 3, width: 5, height: 5 });
    const expected = Array.from(
      { length: 75 },
      (_, i) => image.data[((3 + Math.floor(i / 15)) * 12 + 4 + (Math.floor(i / 3) % 5)) * 3 + (i % 3)]!,
    );
    expectClose(crop, expected, tolerance.exact);
  });

  test('keeps a plain colour plain', () => {
    fc.assert(
      fc.property(side, side, side, fc.nat(), (width, height, size, key) => {
        const image = { width, height, data: new Uint8Array(width * height * 3).map((_, i) => [200, 100, 50][i % 3]!) };
        const expected = new Float32Array(size * size * 3).map((_, i) => [200, 100, 50][i % 3]!);
        expectClose(shown(image, size, rectangleIn(width, height, keyedRandom(key))), expected, tolerance.float32);
      }),
    );
  });

  test('keeps a ramp a ramp, away from the edges of the image', () => {
    const image = { width: 60, height: 60, data: new Uint8Array(60 * 60 * 3).map((_, i) => 2 * (Math.floor(i / 3) % 60)) };
    // Enlarged, or reduced by a whole number: only then do triangles at the pixels' places balance exactly.
    for (const size of [12, 18, 36, 40, 90]) {
      const picture = shown(image, size, { left: 12, top: 12, width: 36, height: 36 });
      // Pixel i has the value 2 i at i + 1/2, so the place p has 2 p - 1.
      const expected = Float32Array.from(picture, (_, i) => 2 * (12 + ((Math.floor(i / 3) % size) + 0.5) * (36 / size)) - 1);
      expectClose(picture, expected, tolerance.float32);
    }
  });

  test('mirrored is the same picture with its rows reversed', () => {
    fc.assert(
      fc.property(side, side, side, fc.nat(), (width, height, size, key) => {
        const image = noise(width, height, key);
        const rectangle = rectangleIn(width, height, keyedRandom(key, 1));
        expectClose(shown(image, size, rectangle, true), reversed(shown(image, size, rectangle), size), tolerance.exact);
      }),
    );
  });

  test('does not alias: a fine checkerboard becomes gray', () => {
    const image = { width: 64, height: 64, data: new Uint8Array(64 * 64 * 3).map((_, i) => (((i / 3) ^ (i / 192)) & 1) * 255) };
    const picture = shown(image, 16);
    const inner = [...picture].filter((_, i) => {
      const [y, x] = [Math.floor(i / 48), Math.floor(i / 3) % 16];
      return x > 0 && y > 0 && x < 15 && y < 15;
    });
    expectClose(
      inner,
      inner.map(() => 127.5),
      tolerance.float32,
    );
  });

  test('agrees with libvips on a smooth picture', async () => {
    const { data, info } = await sharp(Buffer.from(noise(9, 7, 3).data), { raw: { width: 9, height: 7, channels: 3 } })
      .resize(180, 140, { fit: 'fill', kernel: 'cubic' })
      .raw()
      .toBuffer({ resolveWithObject: true });
    const image = { data, width: info.width, height: info.height };
    const theirs = await sharp(data, { raw: { width: 180, height: 140, channels: 3 } })
      .resize(40, 40, { fit: 'fill', kernel: 'linear' })
      .raw()
      .toBuffer();
    const ours = shown(image, 40);
    const differences = ours.map((value, i) => Math.abs(value - theirs[i]!));
    // libvips rounds to bytes after each of its two passes (1/2 each) and takes its weights from a table of 64 steps a pixel.
    expect(Math.max(...differences)).toBeLessThan(4);
    expect(differences.reduce((sum, d) => sum + d, 0) / differences.length).toBeLessThan(0.7);
  });

  test('normalises: (v / 255 - mean) / std for each channel', () => {
    const image = noise(6, 6, 5);
    const target = new Float32Array(108);
    createResample(6, imagenetNormalisation)(image, { rectangle: whole(image), mirrored: false }, target);
    const { mean, std } = imagenetNormalisation;
    expectClose(
      target,
      [...image.data].map((v, i) => (v / 255 - mean[i % 3]!) / std[i % 3]!),
      tolerance.float32,
    );
  });

  test('can be used again for an image of another size', () => {
    const resample = createResample(8, bytes);
    const [large, small] = [noise(40, 50, 1), noise(4, 3, 2)];
    const again = new Float32Array(192);
    for (const image of [large, small, large]) {
      resample(image, { rectangle: whole(image), mirrored: false }, again);
      expectClose(again, shown(image, 8), tolerance.exact);
    }
  });
});
