import { expect, test } from 'vitest';
import { learningRateAt } from './learning-rate.ts';

const schedule = { peak: 0.8, warmupSteps: 4, steps: 20 };

test('the warm-up is a line to the peak, the rest half a cosine to 0', () => {
  expect([0, 1, 2, 3].map((step) => learningRateAt(step, schedule))).toEqual([0.2, 0.4, 0.8 * 0.75, 0.8]);
  expect(learningRateAt(4, schedule)).toBe(0.8);
  expect(learningRateAt(12, schedule)).toBeCloseTo(0.4, 12);
  expect(learningRateAt(20, schedule)).toBeCloseTo(0, 12);
});

test('it never rises after the warm-up, and is never below 0, beyond the plan too', () => {
  for (let step = 5; step < 40; step++) {
    expect(learningRateAt(step, schedule)).toBeLessThanOrEqual(learningRateAt(step - 1, schedule));
    expect(learningRateAt(step, schedule)).toBeGreaterThanOrEqual(0);
  }
});

test('without warm-up, and with nothing but warm-up', () => {
  expect(learningRateAt(0, { peak: 1, warmupSteps: 0, steps: 10 })).toBe(1);
  expect(learningRateAt(1, { peak: 1, warmupSteps: 2, steps: 2 })).toBe(1);
});
