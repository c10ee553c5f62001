import type { Frame, Slot } from '@distributed-shampoo/tensor';

/** What methods share with the optimizer that drives them. */
export interface SharedOptions {
  /** Added to a factor before its root. */
  readonly epsilon: number;
  /** Decay of factors; 1 sums them. */
  readonly beta2: number;
  readonly useBiasCorrection: boolean;
  /** Which side of a matrix has the layer's outputs: columns in TensorFlow.js, where kernels are `[inputs, outputs]`; rows in PyTorch. */
  readonly outputs: 'rows' | 'columns';
  /** `reference` does what the reference does where the default is better. */
  readonly compatibility: 'default' | 'reference';
}

/** The state of one block: named slots, and nothing else. Names are those of a checkpoint. */
export type BlockState = Readonly<Record<string, Slot>>;

/**
 * A way from filtered gradients to directions, block by block. `observe` and `apply` issue engine operations and must run within a task
 * of the engine.
 *
 * `count` is how many gradients a block has seen, this one included: bias corrections follow it.
 */
export interface Preconditioner<State = unknown> {
  /** Lays out the state of a block of shape `[stack, ...dims]`; scratch comes from the frame of the block's task. Before the engine opens. */
  initial(shape: readonly number[], frame: Frame): State;
  /** Makes room for refreshing these blocks in one step. Before the engine opens; once for each set that is refreshed together. */
  reserve(shapes: readonly (readonly number[])[]): void;
  /** Writes the first values of a state, where they are not zero. After the engine opened. */
  start(state: State): void;
  /** What a checkpoint holds of a block. */
  slots(state: State): BlockState;
  /** Takes in a gradient. */
  observe(state: State, gradient: Slot, count: number): void;
  /** Takes in the same gradient again, after the refresh: what has to be seen in the newest basis. Before `apply`, in its task. */
  observeAgain(state: State, gradient: Slot, count: number): void;
  /** The roots to compute anew: one job each, dear and independent. Empty where the method has none. */
  refresh(state: State, count: number): readonly RefreshJob[];
  /** What follows from a refresh, once its results are installed; within a task. */
  afterRefresh(state: State): void;
  /** Cost of refreshing the block, in units of n^3 for a factor of order n; 0 where there is nothing to refresh. */
  refreshCost(shape: readonly number[]): number;
  /** Writes the direction of a filtered gradient. `direction` and `filtered` are different slots. */
  apply(state: State, direction: Slot, filtered: Slot, count: number): void;
}

/** A method that can lend its step length to another: grafting. */
export interface GraftingMethod<State = unknown> extends Preconditioner<State> {
  /** Writes the 2-norm of the direction that `apply` would give, without the direction. `norm` is `[stack, 1]`. */
  norm(state: State, norm: Slot, filtered: Slot, count: number): void;
}

/** What methods have in common that look at a gradient once, and have no state that hangs on their roots. */
export const withoutSecondLook = {
  observeAgain: () => undefined,
  afterRefresh: () => undefined,
} as const satisfies Partial<Preconditioner>;

/** What methods without roots have in common: nothing to refresh, reserve or start. */
export const withoutRoots = {
  ...withoutSecondLook,
  reserve: () => undefined,
  start: () => undefined,
  refresh: () => [],
  refreshCost: () => 0,
} as const satisfies Partial<Preconditioner>;

/** One root to compute anew. The result is written beside the old one and becomes effective by `install`. */
export interface RefreshJob {
  /** Relative cost: jobs are started dearest first. */
  readonly cost: number;
  /** Issues the operations; within a task. */
  readonly run: () => void;
  /** After the task: takes the result over, or keeps the old root and says why. */
  readonly install: () => RefreshOutcome;
}

/** A root that failed is data, not an error: whoever counts failures decides. */
export type RefreshOutcome = { readonly ok: true } | { readonly ok: false; readonly reason: string };
