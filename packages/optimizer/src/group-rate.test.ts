import { expect, test } from 'vitest';
import { groupRate } from './group-rate.ts';

test('a group keeps its ratio to the rate of all', () => {
  expect(groupRate({ own: 0.25, base: 0.5, current: 0.125 })).toBe(0.0625);
  expect(groupRate({ own: 0.5, base: 0.5, current: 0.125 })).toBe(0.125);
  expect(groupRate({ own: 0, base: 0.5, current: 0.125 })).toBe(0);
});

test('where the rate of all started at 0 the group keeps its own', () => {
  expect(groupRate({ own: 0.25, base: 0, current: 0 })).toBe(0.25);
  expect(groupRate({ own: 0.25, base: 0, current: 0.125 })).toBe(0.25);
  expect(groupRate({ own: 0, base: 0, current: 0.125 })).toBe(0.125);
});
