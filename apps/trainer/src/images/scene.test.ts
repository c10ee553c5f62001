import { describe, expect, test } from 'vitest';
import { keyedRandom } from '../data/keyed-random.ts';
import { imageClasses } from './classes.ts';
import { paint } from './paint.ts';
import { composeScene } from './scene.ts';

const scene = (label: number, key: number) => composeScene(imageClasses[label]!, keyedRandom(key));

describe('imageClasses', () => {
  test('are ten, in the order in which folders are listed, each outline and each pattern in two of them', () => {
    const names = imageClasses.map(({ name }) => name);
    expect(names.length).toBe(10);
    expect(names).toEqual([...names].sort((a, b) => (a < b ? -1 : 1)));
    expect(new Set(names).size).toBe(10);
    for (const part of ['shape', 'texture'] as const) {
      for (const { [part]: own } of imageClasses) expect(imageClasses.filter((other) => other[part] === own).length).toBe(2);
    }
    expect(new Set(imageClasses.map(({ shape, texture }) => `${shape}${texture}`)).size).toBe(10);
  });
});

test('classes that share an outline or a pattern have hues at least two tenths of a turn apart, so that spreads of one tenth do not mix them up', () => {
  for (const one of imageClasses) {
    for (const other of imageClasses) {
      if (one === other || (one.shape !== other.shape && one.texture !== other.texture)) continue;
      const apart = Math.abs(one.hue - other.hue);
      expect(Math.min(apart, 1 - apart)).toBeGreaterThanOrEqual(0.2 - 1e-12);
    }
  }
});

describe('composeScene', () => {
  test('keeps the figure in the picture and its colours apart from what is behind it', () => {
    for (let key = 0; key < 500; key++) {
      const { figure, background } = scene(key % 10, key);
      for (const [middle, reach] of [
        [figure.x, figure.radius],
        [figure.y, figure.radius * figure.squash],
      ] as const) {
        expect(middle - reach).toBeGreaterThanOrEqual(-0.06);
        expect(middle + reach).toBeLessThanOrEqual(1.06);
      }
      const [first, second] = figure.colours;
      for (const other of [...background.colours, second])
        expect(Math.hypot(...first.map((v, i) => v - other[i]!))).toBeGreaterThanOrEqual(0.4);
    }
  });

  test('depends on its stream alone', () => {
    expect(scene(3, 8)).toEqual(scene(3, 8));
    expect(scene(3, 8)).not.toEqual(scene(3, 9));
  });
});

describe('paint', () => {
  const still = { ...scene(8, 5), noise: 0, light: { exposure: 1, slope: 0, angle: 0 } };

  test('without noise depends on the scene alone; noise changes it a little', () => {
    const quiet = paint(still, 48, keyedRandom(1));
    expect(paint(still, 48, keyedRandom(2))).toEqual(quiet);
    const noisy = paint({ ...still, noise: 0.04 }, 48, keyedRandom(1));
    const squares = noisy.reduce((sum, value, i) => sum + (value - quiet[i]!) ** 2, 0) / noisy.length;
    // Deviation 0.04 x 255 = 10.2; clipping at black and white takes a little of it away.
    expect(Math.sqrt(squares)).toBeGreaterThan(8.5);
    expect(Math.sqrt(squares)).toBeLessThan(10.7);
  });

  test('shows the same scene at every size', () => {
    const [small, large] = [paint(still, 32, Math.random), paint(still, 96, Math.random)];
    let difference = 0;
    for (let y = 0; y < 32; y++) {
      for (let x = 0; x < 32; x++) {
        for (let channel = 0; channel < 3; channel++)
          difference += Math.abs(small[(y * 32 + x) * 3 + channel]! - large[((y * 3 + 1) * 96 + x * 3 + 1) * 3 + channel]!);
      }
    }
    // Equal but for the pixels that edges pass through.
    expect(difference / small.length).toBeLessThan(10);
  });

  test('brightness is what the light says', () => {
    const dim = paint({ ...still, light: { exposure: 0.5, slope: 0, angle: 0 } }, 48, Math.random);
    const full = paint(still, 48, Math.random);
    for (const [i, value] of dim.entries()) expect(Math.abs(value - full[i]! / 2)).toBeLessThanOrEqual(1);
  });
});
