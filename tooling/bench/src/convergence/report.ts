import { type Row, row } from '../row.ts';
import { BASELINE } from './methods.ts';
import type { Evaluation, FinishedRun, TrainedRun } from './run.ts';

/** Of each method the run that did best, in the order of the runs. */
export type Chosen = ReadonlyMap<string, TrainedRun>;

/**
 * Of each method the learning rate with the best accuracy on the test images at the end; of equals the lowest. A method of which every run
 * diverged has none.
 */
export function chooseRates(runs: readonly FinishedRun[]): Chosen {
  const chosen = new Map<string, TrainedRun>();
  for (const method of new Set(runs.map((run) => run.method))) {
    const [best] = runs
      .flatMap((run) => (run.method === method && run.outcome === 'trained' ? [run] : []))
      .sort((a, b) => finalAccuracy(b) - finalAccuracy(a) || a.learningRate - b.learningRate);
    if (best !== undefined) chosen.set(method, best);
  }
  return chosen;
}

/** Share of the test images at the end, 0 to 1. */
export const finalAccuracy = ({ evaluations }: TrainedRun): number => (evaluations.at(-1) as Evaluation).top1;

/**
 * Where a curve first reaches an accuracy, between two tests by a straight line.
 *
 * @returns steps or seconds; undefined where it never does. At the first test there is no line to follow, and its own place counts.
 */
export function whereReached(curve: readonly Evaluation[], accuracy: number, along: 'step' | 'seconds'): number | undefined {
  const index = curve.findIndex(({ top1 }) => top1 >= accuracy);
  const [after, before] = [curve[index], curve[index - 1]];
  if (after === undefined || before === undefined) return after?.[along];
  const share = (accuracy - before.top1) / (after.top1 - before.top1);
  return before[along] + share * (after[along] - before[along]);
}

/**
 * What methods came to, each beside the baseline: accuracy, seconds of a step, and steps and seconds until the baseline's accuracy; the
 * last two only where a method reaches it.
 */
export function convergenceRows(chosen: Chosen): readonly Row[] {
  const baseline = chosen.get(BASELINE);
  return [...chosen].flatMap(([method, run]) => {
    const beside = (name: string, unit: string, better: 'more' | 'less', measure: (of: TrainedRun) => number | undefined) => {
      const [own, theirs] = [measure(run), baseline === undefined || run === baseline ? undefined : measure(baseline)];
      if (own === undefined) return [];
      const one = row(`${method}${name}`, own, unit);
      if (theirs === undefined) return [one];
      return [{ ...one, peer: BASELINE, peerValue: theirs, ratio: better === 'more' ? own / theirs : theirs / own }];
    };
    const reached = (along: 'step' | 'seconds') => (of: TrainedRun) =>
      baseline === undefined ? undefined : whereReached(of.evaluations, finalAccuracy(baseline), along);
    const goal = baseline === undefined ? '' : `: until ${(100 * finalAccuracy(baseline)).toFixed(1)} %`;
    return [
      ...beside(` at ${run.learningRate}: test accuracy`, '%', 'more', (of) => 100 * finalAccuracy(of)),
      ...beside(goal, 'steps', 'less', reached('step')),
      ...beside(goal, 's', 'less', reached('seconds')),
      ...beside(': a step', 's', 'less', ({ secondsPerStep }) => secondsPerStep),
    ];
  });
}
