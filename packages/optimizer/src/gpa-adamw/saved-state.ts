import { clone, type Optimizer, scalar, type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import { OptimizerError } from '../errors.ts';
import type { GpaCounters } from './scalars.ts';
import type { GpaState } from './step.ts';

/** A tensor and its name, as TensorFlow.js's optimizers save them. */
export type NamedTensor = Awaited<ReturnType<Optimizer['getWeights']>>[number];

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
  const left = new Map(weights.map(({ name, tensor }) => [name, tensor]));
  const take = (name: string, shape: readonly number[]): Tensor => {
    const tensor = left.get(name);
    if (tensor === undefined) throw mismatch(name, 'has no entry', 'It is of other variables or other groups');
    if (String(tensor.shape) !== String(shape))
      throw mismatch(name, `has shape [${tensor.shape}], expected [${shape}], for`, 'It is of other variables');
    left.delete(name);
    return tensor;
  };
  const numbers = async (name: string, shape: readonly number[]) => Array.from(await take(name, shape).data<'float32'>());
  const [iterations = 0] = await numbers('iter', []);
  const [training] = await numbers('mode', []);
  const counters: GpaCounters[] = [];
  for (let group = 0; group < groups; group++) {
    const [step = 0, largestRate = 0, weightSum = 0] = await numbers(countersName(group), [3]);
    counters.push({ step, largestRate, weightSum });
  }
  const states = new Map<string, SavedParts>();
  for (const [name, shape] of shapes) {
    if (![...parts, 'steps'].some((part) => left.has(`${name}/${part}`))) continue;
    const [steps = 0] = await numbers(`${name}/steps`, []);
    states.set(name, { z: take(`${name}/z`, shape), m: take(`${name}/m`, shape), v: take(`${name}/v`, shape), steps });
  }
  const [superfluous] = left.keys();
  if (superfluous !== undefined) throw mismatch(superfluous, 'has an unknown entry', 'It is of other variables or other groups');
  return { iterations, mode: training === 1 ? 'train' : 'eval', counters, states };
}

const mismatch = (name: string, what: string, cause: string) =>
  new OptimizerError('checkpoint-mismatch', `setWeights: the saved state ${what} "${name}". ${cause}; nothing was changed.`, {
    name,
  });
