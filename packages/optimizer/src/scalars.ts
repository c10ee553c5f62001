import type { GroupOptions } from './options.ts';

/** The numbers of one step that are the same for all blocks of a group. */
export interface StepScalars {
  readonly learningRate: number;
  /** What multiplies W in the additive weight decay; 0 for none, and for l2, which is part of the gradient. */
  readonly decay: number;
  /** Weight decay within the gradient; 0 for none. */
  readonly gradientDecay: number;
  /** Primal averaging, where configured. */
  readonly averaging: AveragingScalars | null;
}

/** Coefficients of generalised primal averaging: `Y' = trainInterpolation X' + (1 - trainInterpolation) Z'`, X the average, Z the iterate. */
export interface AveragingScalars {
  readonly evalInterpolation: number;
  readonly trainInterpolation: number;
  /** What Z is multiplied by before anything else: its weight decay. */
  readonly shrink: number;
}

/** What a group carries from step to step besides its blocks' slots. */
export interface GroupCounters {
  /** Steps taken. */
  step: number;
  /** Sum of weights of schedule-free averaging, float32. */
  weightSum: number;
}

/**
 * Scalars of the next step; advances the group's counters.
 *
 * Rounded as the reference rounds them: learning rate, sums and coefficients to float32, constants in float64.
 *
 * @see spec/optimizer.md, 1.2 to 1.4.
 */
export function nextScalars(options: GroupOptions, counters: GroupCounters, rate: number): StepScalars {
  counters.step += 1;
  const learningRate = Math.fround(rate);
  const alpha = additiveDecay(options, learningRate);
  const averaging = averagingScalars(options, counters, { learningRate, alpha });
  return {
    learningRate,
    decay: averaging === null ? alpha : 0,
    gradientDecay: options.weightDecayType === 'l2' ? options.weightDecay : 0,
    averaging,
  };
}

function additiveDecay({ weightDecay, weightDecayType, peakLearningRate }: GroupOptions, learningRate: number): number {
  if (weightDecay === 0) return 0;
  switch (weightDecayType) {
    case 'l2':
      return 0;
    case 'decoupled':
      return weightDecay;
    case 'corrected':
      return (weightDecay * learningRate) / peakLearningRate;
    case 'independent':
      return weightDecay / peakLearningRate;
  }
}

function averagingScalars(
  { iterateAveraging }: GroupOptions,
  counters: GroupCounters,
  { learningRate, alpha }: { readonly learningRate: number; readonly alpha: number },
): AveragingScalars | null {
  const shrink = alpha === 0 ? 1 : Math.fround(1 - Math.fround(learningRate * alpha));
  if (iterateAveraging?.type === 'gpa') {
    const { evalInterpolation, trainInterpolation } = iterateAveraging;
    return { evalInterpolation: Math.fround(evalInterpolation), trainInterpolation: Math.fround(trainInterpolation), shrink };
  }
  if (iterateAveraging?.type === 'schedule-free') {
    const weight = Math.fround(learningRate ** iterateAveraging.evalLearningRatePower);
    counters.weightSum = Math.fround(counters.weightSum + weight);
    // A learning rate of 0 from the first step on moves nothing: the average stays where it is.
    const evalInterpolation = counters.weightSum === 0 ? 1 : Math.fround(1 - Math.fround(weight / counters.weightSum));
    return { evalInterpolation, trainInterpolation: Math.fround(iterateAveraging.trainInterpolation), shrink };
  }
  return null;
}
