import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assignByCost } from './assign.ts';
import { cutBlocks } from './blocks.ts';
import { arithmeticCost } from './cost.ts';
import { makePlan, type Plan } from './plan.ts';
import { boxRuns } from './runs.ts';

const cost = { type: 'memory', alignment: 64 } as const;
const work = { factored: true, preconditionFrequency: 50 } as const;
const merge = (maxPreconditionerDim: number) => ({
  maxPreconditionerDim,
  targetParameterDimensionality: 1,
  mergeDirection: 'leading' as const,
});
const planOf = (shapes: readonly (readonly number[])[], dim: number, ranks: number): Plan =>
  makePlan(
    shapes.map((shape, index) => ({ name: `p${index}`, shape, group: 0, merge: merge(dim), work })),
    { ranks, cost },
  );

const shapeLists = fc.array(fc.array(fc.integer({ min: 1, max: 17 }), { maxLength: 4 }), { minLength: 1, maxLength: 8 });

test('every element of every parameter has one place in the flat buffer, in the range of its owner', () => {
  fc.assert(
    fc.property(shapeLists, fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 5 }), (shapes, dim, ranks) => {
      const { parameters, blocks, counts, length } = planOf(shapes, dim, ranks);
      const starts = counts.map((_, rank) => counts.slice(0, rank).reduce((a, b) => a + b, 0));
      const used = new Set<number>();
      for (const [index, { merged, blocks: numbers }] of parameters.entries()) {
        const places = new Map<number, number>();
        for (const number of numbers) {
          const block = blocks[number] as Plan['blocks'][number];
          expect(block.parameter).toBe(index);
          expect(block.offset % 16).toBe(0);
          for (const run of boxRuns(block, merged, block.offset)) {
            for (let row = 0; row < run.count; row++) {
              for (let i = 0; i < run.length; i++) {
                const place = run.bufferOffset + row * run.bufferStride + i;
                const element = run.tensorOffset + row * run.tensorStride + i;
                expect(used.has(place) || places.has(element)).toBe(false);
                used.add(place);
                places.set(element, place);
                const start = starts[block.owner] as number;
                expect(place >= start && place < start + (counts[block.owner] as number)).toBe(true);
              }
            }
          }
        }
        expect(places.size).toBe((shapes[index] as number[]).reduce((a, b) => a * b, 1));
      }
      expect(length).toBe(counts.reduce((a, b) => a + b, 0));
    }),
    { numRuns: 60 },
  );
});

test('a block is row-major in the buffer', () => {
  // [4, 6] cut at 3 x 3: element (1, 4) of the parameter is element (1, 1) of the block at origin (0, 3).
  const [, second] = cutBlocks([4, 6], 3);
  const [run] = boxRuns(second as { origin: number[]; shape: number[] }, [4, 6], 100);
  expect(second).toEqual({ origin: [0, 3], shape: [3, 3] });
  expect(run).toEqual({ tensorOffset: 3, bufferOffset: 100, length: 3, count: 3, tensorStride: 6, bufferStride: 3 });
});

test('equal blocks of an owner lie side by side', () => {
  const { blocks } = planOf([[16], [4, 4], [16], [4, 4]], 16, 1);
  expect(blocks.map(({ offset }) => offset)).toEqual([0, 16, 32, 48]);
  const square = planOf([[16], [8, 8], [16], [8, 8]], 8, 1);
  expect(square.blocks.map(({ shape, offset }) => [shape, offset])).toEqual([
    [[8], 0],
    [[8], 16],
    [[8, 8], 64],
    [[8], 32],
    [[8], 48],
    [[8, 8], 128],
  ]);
});

test('the dearest block goes first, to the rank with the least load; ties to the lowest', () => {
  expect(assignByCost([64, 64, 64, 16384, 64], 4)).toEqual([1, 2, 3, 0, 1]);
});

test('cutting leaves a shorter last piece, and an infinite size cuts nothing', () => {
  expect(cutBlocks([1000, 2048], 1024).map(({ shape }) => shape)).toEqual([
    [1000, 1024],
    [1000, 1024],
  ]);
  expect(cutBlocks([5, 7], Infinity)).toEqual([{ origin: [0, 0], shape: [5, 7] }]);
  expect(cutBlocks([], 8)).toEqual([{ origin: [], shape: [] }]);
});

test('parameters without elements have no blocks', () => {
  expect(planOf([[0, 3], [2]], 8, 2).blocks.map(({ id }) => id)).toEqual(['p1/block [0]']);
});

test('the arithmetic of a step is what owners share evenly, vectors without factors at the cost of their passes', () => {
  const shapes = [[1024, 1024], [1024, 1024], [512, 512], [1024, 256], [64, 64], [1024], [512]];
  const parameters = shapes.map((shape, index) => {
    const factored = shape.length > 1;
    return {
      name: `p${index}`,
      shape,
      group: factored ? 0 : 1,
      merge: { ...merge(1024), targetParameterDimensionality: 2 },
      work: { ...work, factored },
    };
  });
  const { blocks } = makePlan(parameters, { ranks: 2, cost: { type: 'arithmetic' } });
  const loads = [0, 0];
  for (const { shape, owner } of blocks)
    loads[owner] = (loads[owner] ?? 0) + arithmeticCost(shape, { ...work, factored: shape.length > 1 });
  // The two largest are apart, and what is left differs by a block of 512 at most.
  expect(blocks[0]?.owner).not.toBe(blocks[1]?.owner);
  expect(Math.abs((loads[0] as number) - (loads[1] as number))).toBeLessThan(arithmeticCost([512, 512], work));
  expect(arithmeticCost([1024], { ...work, factored: false })).toBe(600 * 1024);
});
