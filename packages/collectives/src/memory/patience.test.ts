import { expect, test } from 'vitest';
import { Patience } from './patience.ts';

const spins = (patience: Patience, count: number, came: boolean) =>
  Array.from({ length: count }, () => {
    const ms = patience.spinMs();
    patience.learn(came);
    return ms;
  });

test('it stays long while spinning pays, and a few failures do not shorten it', () => {
  const patience = new Patience();
  expect(new Set(spins(patience, 100, true))).toEqual(new Set([0.1]));
  spins(patience, 3, false);
  expect(patience.spinMs()).toBe(0.1);
});

test('where it does not pay it is given up, but for one try in 32', () => {
  const long = spins(new Patience(), 3200, false).filter((ms) => ms > 0);
  expect(long.length).toBeGreaterThanOrEqual(100);
  expect(long.length).toBeLessThanOrEqual(104);
});

test('one success brings it back', () => {
  const patience = new Patience();
  spins(patience, 10, false);
  expect(patience.spinMs()).toBe(0);
  patience.learn(true);
  expect(patience.spinMs()).toBe(0.1);
});
