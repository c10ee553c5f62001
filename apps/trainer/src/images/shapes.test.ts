import { describe, expect, test } from 'vitest';
import * as shapes from './shapes.ts';

const n = 400;
/** Calls back for places on a grid over the square that is `reach` to each side of the middle. */
function grid(reach: number, visit: (x: number, y: number) => void): void {
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) visit(((2 * (i + 0.5)) / n - 1) * reach, ((2 * (j + 0.5)) / n - 1) * reach);
}

describe.each(Object.entries(shapes))('%s', (name, shape) => {
  test('fits the circle that its picture leaves room for: 1.1 times the unit circle', () => {
    let farthest = 0;
    grid(1.5, (x, y) => {
      if (shape(x, y) < 0) farthest = Math.max(farthest, Math.hypot(x, y));
    });
    expect(farthest).toBeGreaterThan(0.8);
    expect(farthest).toBeLessThan(1.1);
  });

  test('has about the area that geometry says', () => {
    // Star: ten triangles with sides 1 and 0.42 and the angle 36 degrees between them. Ring: radii 0.44 and 0.92. Triangle: 3 sqrt(3) r^2 with inner radius 1/2.
    const areas: Record<string, number> = {
      disc: Math.PI * 0.85 ** 2,
      ring: Math.PI * (0.92 ** 2 - 0.44 ** 2),
      square: 1.5 ** 2,
      triangle: 3 * Math.sqrt(3) * 0.25,
      star: 10 * 0.5 * 0.42 * Math.sin(Math.PI / 5),
    };
    let inside = 0;
    grid(1.5, (x, y) => {
      if (shape(x, y) < 0) inside++;
    });
    // Cells along the edge count whole or not at all: 3/400 wide, an outline of at most 10, half of them wrong at worst.
    expect(Math.abs((inside * 9) / n ** 2 - areas[name]!)).toBeLessThan((10 * 3) / n / 2);
  });

  test('is close to a distance at its edge: it grows with a slope of at most 1.01', () => {
    const step = 1e-5;
    let steepest = 0;
    grid(1.2, (x, y) => {
      if (Math.abs(shape(x, y)) > 0.02) return;
      const slope = Math.hypot(shape(x + step, y) - shape(x - step, y), shape(x, y + step) - shape(x, y - step)) / (2 * step);
      steepest = Math.max(steepest, slope);
    });
    expect(steepest).toBeGreaterThan(0.9);
    expect(steepest).toBeLessThan(1.01);
  });
});

test('the star looks the same after a fifth of a turn', () => {
  const [cosine, sine] = [Math.cos((2 * Math.PI) / 5), Math.sin((2 * Math.PI) / 5)];
  let largest = 0;
  grid(1.2, (x, y) => {
    largest = Math.max(largest, Math.abs(shapes.star(x * cosine - y * sine, x * sine + y * cosine) - shapes.star(x, y)));
  });
  expect(largest).toBeLessThan(1e-9);
});
