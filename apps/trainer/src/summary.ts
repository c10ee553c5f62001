import type { EvaluatedStep } from './telemetry/events.ts';

/** What a run came to, as `--summary FILE` writes it: JSON that other programs rely on. */
export interface Summary {
  readonly model: string;
  readonly ranks: number;
  /** Steps done. */
  readonly steps: number;
  /** Mean over the last steps. */
  readonly trainLoss: number;
  /** Share of test images whose class came first, 0 to 1; null without a test set. */
  readonly testTop1: number | null;
  /** Each evaluation of the run, the last one that of the end. */
  readonly evaluations: readonly EvaluatedStep[];
  readonly imagesPerSecond: number;
  readonly secondsPerStep: number;
  readonly slowestStepSeconds: number;
  /** Share of a step that the optimizer took: collectives, arithmetic and the update of the variables. */
  readonly optimizerShare: number;
  /** Per rank, SHA-256 over the bytes of all parameters and batch-norm statistics. */
  readonly parametersHash: readonly string[];
  /** Path of the model's file; null where none was asked for. */
  readonly checkpoint: string | null;
  readonly backend: string;
  readonly engine: string;
  readonly stopped: 'at the end' | 'at --stop-at-step' | 'by a signal';
  readonly warnings: readonly string[];
}
