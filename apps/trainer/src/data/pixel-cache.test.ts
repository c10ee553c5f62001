import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPixelCache } from './pixel-cache.ts';

const image = (value: number, width: number, height = 1) => ({
  width,
  height,
  data: new Uint8Array(width * height * 3).fill(value),
});

test('gives back what was put, as it was, and never takes more than its budget', () => {
  const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 50 }), fc.constant(500_000)), { maxLength: 40 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 0, max: 4_000_000 }), (widths, budget) => {
      const cache = createPixelCache(budget);
      let used = 0;
      for (const [i, width] of widths.entries()) {
        const fits = used + width * 3 <= budget;
        const put = image(i, width);
        cache.put(i, put);
        put.data.fill(255);
        if (fits) used += width * 3;
        expect(cache.usedBytes).toBe(used);
        expect(cache.get(i)?.width).toBe(fits ? width : undefined);
      }
      for (const [i, width] of widths.entries()) {
        const kept = cache.get(i);
        if (kept) expect(Buffer.from(kept.data).equals(Buffer.from(image(i, width).data))).toBe(true);
      }
    }),
    { numRuns: 50 },
  );
});

test('keeps nothing without a budget, and counts an image once', () => {
  const none = createPixelCache(0);
  none.put(1, image(1, 4));
  expect(none.get(1)).toBeUndefined();
  const cache = createPixelCache(1000);
  cache.put(1, image(1, 4));
  cache.put(1, image(1, 4));
  expect(cache.usedBytes).toBe(12);
});
