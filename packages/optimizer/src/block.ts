import type { GraftedState, Method } from '@distributed-shampoo/preconditioner';
import type { Frame, MatrixEngine, Slot } from '@distributed-shampoo/tensor';
import type { GroupOptions } from './options.ts';
import type { PlannedBlock } from './plan/plan.ts';

/** A block that this rank owns: where everything of it lies. Slots are `[1, ...shape]`. */
export interface OwnedBlock {
  readonly planned: PlannedBlock;
  readonly options: GroupOptions;
  readonly method: Method;
  readonly state: GraftedState;
  readonly gradient: Slot;
  readonly direction: Slot;
  /** A copy of the parameter at the start of a step, where decay or averaging needs one. */
  readonly weights: Slot | null;
  /** Moving average of gradients, where beta1 is not 0. */
  readonly moment: Slot | null;
  /** Momentum of directions. */
  readonly momentum: Slot | null;
  /** The iterate Z of primal averaging. */
  readonly iterate: Slot | null;
  /** Scratch of the block's task. */
  readonly scratch: Slot;
}

/** Offsets that a block's weights count from. */
export interface ShardStart {
  readonly shardOffset: number;
}

/** Lays out a block. Before the engine opens. */
export function layOutBlock(
  engine: MatrixEngine,
  { planned, options, method }: Pick<OwnedBlock, 'planned' | 'options' | 'method'>,
  { shardOffset }: ShardStart,
): OwnedBlock {
  const shape = [1, ...planned.shape];
  const frame: Frame = engine.frame();
  const { iterateAveraging } = options;
  const averages = iterateAveraging !== null && iterateAveraging.type !== 'momentum';
  return {
    planned,
    options,
    method,
    state: method.initial(shape, frame),
    gradient: engine.overlay('gradients', planned.offset, shape),
    direction: engine.overlay('directions', planned.offset, shape),
    weights: needsWeights(options) ? engine.overlay('weights', planned.offset - shardOffset, shape) : null,
    moment: options.betas[0] === 0 ? null : engine.allocate(shape),
    momentum: iterateAveraging?.type === 'momentum' ? engine.allocate(shape) : null,
    iterate: averages ? engine.allocate(shape) : null,
    scratch: frame.allocate(shape),
  };
}

/** Whether a step reads the parameters themselves. */
export const needsWeights = ({ weightDecay, iterateAveraging }: GroupOptions): boolean =>
  weightDecay !== 0 || (iterateAveraging !== null && iterateAveraging.type !== 'momentum');

/** What a checkpoint holds of a block, by name. */
export function blockSlots({ method, state, moment, momentum, iterate }: OwnedBlock): Readonly<Record<string, Slot>> {
  return {
    ...method.slots(state),
    ...(moment && { moment }),
    ...(momentum && { momentum }),
    ...(iterate && { iterate }),
  };
}
