import { scalar, tensor, tensor1d } from '@tensorflow/tfjs-core';
import { type NamedTensor, SavedEntries } from './saved-entries.ts';
import type { GroupCounters } from './scalars.ts';

/** All that goes on from step to step on one rank but the variables themselves. */
export interface Snapshot {
  readonly iterations: number;
  readonly mode: 'train' | 'eval';
  readonly shard: ShardSnapshot;
}

/** What the arithmetic of a rank's blocks goes on from. */
export interface ShardSnapshot {
  /** By group. */
  readonly counters: readonly GroupCounters[];
  /** Whether roots were due on any rank in the last step. */
  readonly dueBefore: boolean;
  /** By the block's id. */
  readonly blocks: ReadonlyMap<string, BlockSnapshot>;
}

export interface BlockSnapshot {
  /** Gradients seen. */
  readonly count: number;
  /** Refreshes that failed, in a row. */
  readonly failures: number;
  /**
   * Whether its roots are being computed in the background. They follow from the rest of the state alone, which stands still until they are in use:
   * whoever loads it computes them again, to the same bits.
   */
  readonly underWay: boolean;
  /** Numbers of its slots by name. */
  readonly slots: Readonly<Record<string, Float32Array>>;
}

/** What saved state has to fit: shapes of a rank's slots, and the blocks of the others. */
export interface Expected {
  readonly groups: number;
  /** By the block's id, and the slot's name. */
  readonly own: ReadonlyMap<string, Readonly<Record<string, readonly number[]>>>;
  /** Ids of blocks that other ranks own: their entries are passed over. */
  readonly others: readonly string[];
}

const countersName = (group: number): string => `groups.${group}/counters`;

/** The snapshot as named tensors, new ones that the caller disposes of. @param shapes as in `Expected`. */
export function nameState({ iterations, mode, shard }: Snapshot, shapes: Expected['own']): NamedTensor[] {
  return [
    { name: 'iter', tensor: scalar(iterations, 'int32') },
    { name: 'mode', tensor: scalar(mode === 'train' ? 1 : 0, 'int32') },
    { name: 'due', tensor: scalar(shard.dueBefore ? 1 : 0, 'int32') },
    ...shard.counters.map(({ step, weightSum }, group) => ({
      name: countersName(group),
      tensor: tensor1d([step, weightSum]),
    })),
    ...[...shard.blocks].flatMap(([id, { count, failures, underWay, slots }]) => [
      { name: `${id}/progress`, tensor: tensor1d([count, failures, underWay ? 1 : 0], 'int32') },
      ...Object.entries(slots).map(([slot, numbers]) => ({
        name: `${id}/${slot}`,
        tensor: tensor(numbers, [...(shapes.get(id)?.[slot] ?? [numbers.length])], 'float32'),
      })),
    ]),
  ];
}

/**
 * Reads what `nameState` wrote, on one rank or on all of them, in any order.
 *
 * @throws {OptimizerError} `checkpoint-mismatch`: the entry that is missing, superfluous or of another shape, by name.
 */
export async function readState(weights: readonly NamedTensor[], { groups, own, others }: Expected): Promise<Snapshot> {
  const entries = new SavedEntries(weights);
  const [iterations = 0] = await entries.numbers('iter', []);
  const [training] = await entries.numbers('mode', []);
  const [due] = await entries.numbers('due', []);
  const counters: GroupCounters[] = [];
  for (let group = 0; group < groups; group++) {
    const [step = 0, weightSum = 0] = await entries.numbers(countersName(group), [2]);
    counters.push({ step, weightSum });
  }
  const blocks = new Map<string, BlockSnapshot>();
  for (const [id, shapes] of own) {
    const [count = 0, failures = 0, underWay] = await entries.numbers(`${id}/progress`, [3]);
    const slots: Record<string, Float32Array> = {};
    for (const [slot, shape] of Object.entries(shapes))
      slots[slot] = await entries.take(`${id}/${slot}`, shape).data<'float32'>();
    blocks.set(id, { count, failures, underWay: underWay === 1, slots });
  }
  for (const id of others) entries.skip((name) => name.startsWith(`${id}/`));
  entries.mustBeEmpty();
  const shard = { counters, dueBefore: due === 1, blocks };
  return { iterations, mode: training === 1 ? 'train' : 'eval', shard };
}
