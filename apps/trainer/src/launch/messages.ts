import type { TrainConfig } from '../config.ts';
import type { TrainEvent } from '../telemetry/events.ts';

/** What the launcher gives a rank, by environment, besides what every launcher gives it. */
export const configVariable = 'SHAMPOO_TRAIN_CONFIG';

/** A run as every rank of it is told. */
export interface Job {
  readonly config: TrainConfig;
  /** Training and test images, generated or given; no test images: null. */
  readonly train: string;
  readonly test: string | null;
  /** Folder of the checkpoint. */
  readonly output: string;
}

/** From a rank to the launcher. */
export type FromRank =
  | { readonly type: 'event'; readonly event: TrainEvent }
  /** A step was done: the launcher names it when the rank is lost. */
  | { readonly type: 'at'; readonly step: number }
  | { readonly type: 'failed'; readonly message: string; readonly code: string; readonly exitCode: number };

/** From the launcher to a rank. */
export type ToRank = { readonly type: 'stop' };
