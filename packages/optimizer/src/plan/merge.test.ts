import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergeDimensions } from './merge.ts';

const merge = (
  shape: readonly number[],
  maxPreconditionerDim: number,
  targetParameterDimensionality = 1,
  mergeDirection: 'leading' | 'trailing' = 'trailing',
) => mergeDimensions(shape, { maxPreconditionerDim, targetParameterDimensionality, mergeDirection });

const shapes = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 5 });

test('merging never changes the number of elements', () => {
  fc.assert(
    fc.property(shapes, fc.integer({ min: 1, max: 2000 }), fc.integer({ min: 1, max: 4 }), (shape, dim, target) => {
      const product = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);
      for (const direction of ['leading', 'trailing'] as const)
        expect(product(merge(shape, dim, target, direction))).toBe(product(shape));
    }),
  );
});

test('leading is trailing seen in a mirror', () => {
  fc.assert(
    fc.property(shapes, fc.integer({ min: 1, max: 2000 }), fc.integer({ min: 1, max: 4 }), (shape, dim, target) => {
      expect(merge(shape, dim, target, 'leading')).toEqual([...merge([...shape].reverse(), dim, target)].reverse());
    }),
  );
});

test('no merged product is above the threshold', () => {
  fc.assert(
    fc.property(shapes, fc.integer({ min: 1, max: 2000 }), (shape, dim) => {
      for (const d of merge(shape, dim)) expect(d <= dim || shape.includes(d)).toBe(true);
    }),
  );
});

test.each([
  [[64, 64, 3, 3], 256, 1, [64, 64, 9]],
  [[64, 64, 3, 3], 1024, 1, [64, 576]],
  [[64, 64, 3, 3], 65536, 1, [36864]],
  [[32, 3, 64, 64], 4096, 1, [96, 4096]],
  [[2048, 512, 1, 1], 1024, 1, [2048, 512]],
  [[64, 3, 7, 7], 256, 3, [64, 3, 49]],
  [[1, 2, 5, 1], 10, 1, [10]],
  [[1, 2, 5, 1], 10, 2, [2, 5]],
  [[], 10, 1, [1]],
  [[1, 1], 10, 1, [1]],
  [[0, 3], 10, 1, [0]],
  [[], 10, Infinity, []],
  [[1, 4, 1], 10, Infinity, [1, 4, 1]],
] as const)('[%j] at %i to %i dimensions is %j', (shape, dim, target, merged) => {
  expect(merge(shape, dim, target)).toEqual(merged);
});

test('a kernel of height, width, in and out merges from the front', () => {
  expect(merge([3, 3, 64, 64], 1024, 1, 'leading')).toEqual([576, 64]);
  expect(merge([3, 3, 512, 512], 1024, 1, 'leading')).toEqual([9, 512, 512]);
});
