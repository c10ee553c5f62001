import type { GpaAdamWGroup } from './options.ts';

/** What a group carries from step to step besides its parameters' tensors. All are float32 numbers, so that saving them loses nothing. */
export interface GpaCounters {
  /** Steps taken. */
  step: number;
  /** The largest learning rate so far. */
  largestRate: number;
  /** Sum of the weights of schedule-free averaging. */
  weightSum: number;
}

/** Numbers of one step that are the same for all parameters of a group. */
export interface GpaScalars {
  readonly learningRate: number;
  /** c: the share of Z in the new average `X' = (1 - c) X + c Z'`. */
  readonly averageWeight: number;
}

/** Of a group that has taken no step. */
export const freshCounters = (): GpaCounters => ({ step: 0, largestRate: 0, weightSum: 0 });

/**
 * Scalars of the next step; advances the group's counters.
 *
 *     gpa            c = 1 - evalInterpolation
 *     schedule-free  w = step^evalStepPower largestRate^evalLearningRatePower,   S <- S + w,   c = w / S
 *
 * Learning rates of 0 from the first step on leave S at 0; nothing has moved then, and the average stays where it is: c = 0.
 *
 * @see spec/optimizer.md, 8.
 */
export function nextGpaScalars({ iterateAveraging }: GpaAdamWGroup, counters: GpaCounters, rate: number): GpaScalars {
  const learningRate = Math.fround(rate);
  counters.step += 1;
  counters.largestRate = Math.max(counters.largestRate, learningRate);
  if (iterateAveraging.type === 'gpa') return { learningRate, averageWeight: 1 - iterateAveraging.evalInterpolation };
  const { evalStepPower, evalLearningRatePower } = iterateAveraging;
  const weight = Math.fround(counters.step ** evalStepPower * counters.largestRate ** evalLearningRatePower);
  counters.weightSum = Math.fround(counters.weightSum + weight);
  return { learningRate, averageWeight: counters.weightSum === 0 ? 0 : weight / counters.weightSum };
}
