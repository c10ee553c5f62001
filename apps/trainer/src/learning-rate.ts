/** A learning rate over a whole run. */
export interface LearningRateSchedule {
  readonly peak: number;
  /** Steps of linear warm-up; the first step has peak / warmupSteps. */
  readonly warmupSteps: number;
  /** The plan: where the cosine ends. */
  readonly steps: number;
}

/**
 * Linear warm-up, then a half cosine to 0:
 *
 *     peak (step + 1) / warmupSteps                                       while step < warmupSteps
 *     peak (1 + cos(pi (step - warmupSteps) / (steps - warmupSteps))) / 2 from there on
 *
 * @param step counts from 0.
 */
export function learningRateAt(step: number, { peak, warmupSteps, steps }: LearningRateSchedule): number {
  if (step < warmupSteps) return (peak * (step + 1)) / warmupSteps;
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, steps - warmupSteps));
  return (peak * (1 + Math.cos(Math.PI * progress))) / 2;
}
