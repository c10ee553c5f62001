import type { Summary } from '../summary.ts';

/** How well the model does after a step. */
export interface EvaluatedStep {
  readonly step: number;
  /** What training took so far, evaluation left out. */
  readonly seconds: number;
  /** Of the test images, 0 to 1. */
  readonly top1: number;
  readonly loss: number;
}

/** What a run tells those who watch it, in the order in which it happens. */
export type TrainEvent =
  /** Something was set up. */
  | { readonly type: 'note'; readonly text: string }
  | { readonly type: 'warning'; readonly text: string }
  | {
      readonly type: 'step';
      /** Steps done, and planned. */
      readonly step: number;
      readonly steps: number;
      readonly loss: number;
      /** Of the step's own images, 0 to 1. */
      readonly accuracy: number;
      readonly learningRate: number;
      readonly imagesPerSecond: number;
      readonly secondsLeft: number;
    }
  | { readonly type: 'evaluating'; readonly images: number; readonly of: number }
  | { readonly type: 'evaluated'; readonly top1: number; readonly loss: number; readonly images: number }
  | { readonly type: 'done'; readonly summary: Summary };

/** Who is told. */
export interface Reporter {
  report(event: TrainEvent): void;
}
