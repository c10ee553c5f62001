import type { StepReport } from '@distributed-shampoo/optimizer';
import type { Summary } from '../summary.ts';

/** What a step came to over all ranks, and how long it took. */
export interface MeteredStep {
  readonly loss: number;
  readonly images: number;
  readonly seconds: number;
  readonly optimizer: StepReport;
}

/** Steps at the start that are left out of times: kernels are chosen and memory is touched for the first time. */
const WARM_UP = 2;
/** Loss is reported over this many last steps. */
const LOSS_WINDOW = 20;

/** Collects the steps of a run and sums them up. */
export class StepMeter {
  readonly #steps: MeteredStep[] = [];

  add(step: MeteredStep): void {
    this.#steps.push(step);
  }

  /** What all steps took so far. */
  get seconds(): number {
    return this.#steps.reduce((sum, { seconds }) => sum + seconds, 0);
  }

  /** Mean seconds of a step so far, without the first ones. */
  get secondsPerStep(): number {
    return mean(this.#timed().map(({ seconds }) => seconds));
  }

  /** Images a second so far, over all ranks. */
  get imagesPerSecond(): number {
    return mean(this.#timed().map(({ images }) => images)) / this.secondsPerStep;
  }

  totals(): Pick<Summary, 'trainLoss' | 'imagesPerSecond' | 'secondsPerStep' | 'slowestStepSeconds' | 'optimizerShare'> {
    const timed = this.#timed();
    const optimizerSeconds = timed.map(
      ({ optimizer: o }) => (o.reduceScatterMs + o.arithmeticMs + o.allGatherMs + o.applyMs) / 1000,
    );
    return {
      trainLoss: mean(this.#steps.slice(-LOSS_WINDOW).map(({ loss }) => loss)),
      imagesPerSecond: this.imagesPerSecond,
      secondsPerStep: this.secondsPerStep,
      slowestStepSeconds: timed.reduce((most, { seconds }) => Math.max(most, seconds), 0),
      optimizerShare: mean(optimizerSeconds) / this.secondsPerStep,
    };
  }

  #timed(): readonly MeteredStep[] {
    return this.#steps.length > WARM_UP ? this.#steps.slice(WARM_UP) : this.#steps;
  }
}

const mean = (numbers: readonly number[]): number => numbers.reduce((sum, x) => sum + x, 0) / Math.max(1, numbers.length);
