import { clone, scalar, type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import { type NamedTensor, SavedEntries } from '../saved-entries.ts';
import type { GpaCounters } from './scalars.ts';
import type { GpaState } from './step.ts';

/** All that goes on from step to step but the variables themselves. */
export interface GpaSnapshot<Parts = GpaState> {
  readonly iterations: number;
  readonly mode: 'train' | 'eval';
  /** Per group. */
  readonly counters: readonly GpaCounters[];
  /** By name of the variable; those without a gradient so far have none. */
  readonly states: ReadonlyMap<string, Parts>;
}

/** State of a variable as it was saved: tensors of the caller's. */
export type SavedParts = { readonly [part in Part]: Tensor } & { readonly steps: number };

const parts = ['z', 'm', 'v'] as const;
type Part = (typeof parts)[number];

const countersName = (group: number): string => `groups.${group}/counters`;

/** The snapshot as named tensors, new ones that the caller disposes of. */
export function nameState({ iterations, mode, counters, states }: GpaSnapshot): NamedTensor[] {
  return [
    { name: 'iter', tensor: scalar(iterations, 'int32') },
    { name: 'mode', tensor: scalar(mode === 'train' ? 1 : 0, 'int32') },
    ...counters.map(({ step, largestRate, weightSum }, group) => ({
      name: countersName(group),
      tensor: tensor1d([step, largestRate, weightSum]),
    })),
    ...[...states].flatMap(([name, state]) => [
      ...parts.map((part) => ({ name: `${name}/${part}`, tensor: clone(state[part]) })),
      { name: `${name}/steps`, tensor: scalar(state.steps, 'int32') },
    ]),
  ];
}

/** What saved state has to fit. */
export interface Expected {
  readonly groups: number;
  /** Shape by name of the variable. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

/**
 * Reads what `nameState` wrote, in any order.
 *
 * @throws {OptimizerError} `checkpoint-mismatch`: the entry that is missing, superfluous or of another shape, by name.
 */
export async function readState(weights: readonly NamedTensor[], { groups, shapes }: Expected): Promise<GpaSnapshot<SavedParts>> {
  const entries = new SavedEntries(weights);
  const [iterations = 0] = await entries.numbers('iter', []);
  const [training] = await entries.numbers('mode', []);
  const counters: GpaCounters[] = [];
  for (let group = 0; group < groups; group++) {
    const [step = 0, largestRate = 0, weightSum = 0] = await entries.numbers(countersName(group), [3]);
    counters.push({ step, largestRate, weightSum });
  }
  const states = new Map<string, SavedParts>();
  for (const [name, shape] of shapes) {
    if (![...parts, 'steps'].some((part) => entries.has(`${name}/${part}`))) continue;
    const [steps = 0] = await entries.numbers(`${name}/steps`, []);
    states.set(name, {
      z: entries.take(`${name}/z`, shape),
      m: entries.take(`${name}/m`, shape),
      v: entries.take(`${name}/v`, shape),
      steps,
    });
  }
  entries.mustBeEmpty();
  return { iterations, mode: training === 1 ? 'train' : 'eval', counters, states };
}
