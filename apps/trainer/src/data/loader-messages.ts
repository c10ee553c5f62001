import type { Batch, UnreadableImage } from './batch.ts';
import type { BatchMemory } from './batch-maker.ts';
import type { DataErrorCode } from './errors.ts';
import type { ImageIndex } from './image-index.ts';
import type { EvaluationPlan, TrainingPlan } from './loader-options.ts';

/** What a worker is started with. */
export interface LoaderWork {
  readonly index: ImageIndex;
  readonly plan: TrainingPlan | EvaluationPlan;
}

/** What a loader says to its worker. */
export type Order =
  /** Make one batch more. */
  | { readonly kind: 'make' }
  /** This memory is free again. */
  | { readonly kind: 'recycle'; readonly memory: BatchMemory }
  /** Finish what is being made, and end. */
  | { readonly kind: 'stop' };

/** What a worker answers: one of these for every `make`, in order. */
export type Delivery =
  | { readonly kind: 'batch'; readonly batch: Batch; readonly unreadable: readonly UnreadableImage[] }
  | { readonly kind: 'end'; readonly unreadable: readonly UnreadableImage[] }
  | { readonly kind: 'failed'; readonly code: DataErrorCode; readonly message: string; readonly stack: string | undefined };
