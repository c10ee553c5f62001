import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeSchedule } from './schedule.ts';

const steps = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
const together = (preconditionFrequency: number, startPreconditioningStep: number) => {
  const { due } = makeSchedule([1], { refresh: 'together', preconditionFrequency, startPreconditioningStep });
  return steps(16).filter((step) => due(0, step));
};

test.each([
  [1, 1, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]],
  [5, 5, [5, 10, 15]],
  [5, 10, [10, 15]],
  [2, 5, [5, 6, 8, 10, 12, 14, 16]],
  [3, 5, [5, 6, 9, 12, 15]],
  [5, 7, [7, 10, 15]],
  [3, Infinity, []],
] as const)('together, frequency %i, start %i: refreshed at %j', (frequency, start, expected) => {
  expect(together(frequency, start)).toEqual(expected);
});

test('staggered, every block is due once a period, from its first step on', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 7 }),
      (costs, frequency) => {
        const start = frequency + 3;
        const { due, first } = makeSchedule(costs, {
          refresh: 'staggered',
          preconditionFrequency: frequency,
          startPreconditioningStep: start,
        });
        for (const [block, cost] of costs.entries()) {
          const dueAt = steps(40).filter((step) => due(block, step));
          const expected = steps(40).filter((step) => step >= first(block) && (step - first(block)) % frequency === 0);
          expect(dueAt).toEqual(cost === 0 ? [] : expected);
          expect(first(block) - start).toBeLessThan(frequency);
        }
      },
    ),
  );
});

test('staggered, the dearest step is no dearer than an even share and the dearest block', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 9 }),
      (costs, frequency) => {
        const { sets } = makeSchedule(costs, {
          refresh: 'staggered',
          preconditionFrequency: frequency,
          startPreconditioningStep: frequency,
        });
        const loads = sets.map((set) => set.reduce((sum, block) => sum + (costs[block] as number), 0));
        const total = costs.reduce((a, b) => a + b, 0);
        expect(Math.max(...loads)).toBeLessThanOrEqual(total / frequency + Math.max(...costs));
      },
    ),
  );
});

test('a start that never comes reserves nothing', () => {
  const { sets, due } = makeSchedule([1, 2], {
    refresh: 'staggered',
    preconditionFrequency: 4,
    startPreconditioningStep: Infinity,
  });
  expect(sets.flat()).toEqual([]);
  expect(due(0, 1e6)).toBe(false);
});
