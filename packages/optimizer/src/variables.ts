import { packTensor, type Run, unpackTensor } from '@distributed-shampoo/tensor';
import { add, type Tensor, tidy, type Variable } from '@tensorflow/tfjs-core';
import { needsWeights } from './block.ts';
import { OptimizerError } from './errors.ts';
import type { ShampooOptions } from './options.ts';
import type { ParameterShape, Plan } from './plan/plan.ts';
import { boxRuns } from './plan/runs.ts';

/** A variable, and where its blocks lie in the flat buffer. */
export interface BoundVariable {
  readonly variable: Variable;
  readonly runs: readonly Run[];
}

/**
 * Checks variables and gives each its group of options: the last one that names it, else the first group.
 *
 * @throws {OptimizerError} `bad-variable` for two of one name or a type other than float32; `bad-option` for a group that names a
 * parameter that isn't there.
 */
export function describeVariables(variables: readonly Variable[], { groups }: ShampooOptions): readonly ParameterShape[] {
  const seen = new Set<string>();
  for (const { name, dtype } of variables) {
    if (seen.has(name))
      throw new OptimizerError('bad-variable', `build: two variables are named "${name}"; state is kept by name.`, { name });
    if (dtype !== 'float32')
      throw new OptimizerError('bad-variable', `build: "${name}" is ${dtype}; only float32 can be trained.`, { name, dtype });
    seen.add(name);
  }
  const groupOf = new Array<number>(variables.length).fill(0);
  for (const [group, { members }] of groups.entries()) {
    for (const index of memberIndices(members, variables, group)) groupOf[index] = group;
  }
  return variables.map(({ name, shape }, index) => {
    const group = groupOf[index] as number;
    const { maxPreconditionerDim, targetParameterDimensionality, mergeDirection, preconditioner, preconditionFrequency } = (
      groups[group] as ShampooOptions['groups'][number]
    ).options;
    return {
      name,
      shape,
      group,
      merge: { maxPreconditionerDim, targetParameterDimensionality, mergeDirection },
      // All methods with factors tolerate failures, and no others.
      work: { factored: 'toleratedFailures' in preconditioner, preconditionFrequency },
    };
  });
}

function memberIndices(
  members: ShampooOptions['groups'][number]['members'],
  variables: readonly Variable[],
  group: number,
): readonly number[] {
  if (members === 'rest') return [];
  if (members === 'vectors')
    return variables.flatMap(({ shape }, index) => (shape.filter((d) => d !== 1).length <= 1 ? [index] : []));
  return members.map((member) => {
    const index = typeof member === 'number' ? member : variables.findIndex(({ name }) => name === member);
    if (variables[index] === undefined) {
      throw new OptimizerError(
        'bad-option',
        `groups.${group - 1}.parameters: there is no parameter ${JSON.stringify(member)} among ${variables.length}.`,
        { member },
      );
    }
    return index;
  });
}

/** Joins variables with the places of their blocks. */
export function bindVariables(variables: readonly Variable[], { parameters, blocks }: Plan): readonly BoundVariable[] {
  return variables.map((variable, index) => {
    const { merged, blocks: numbers } = parameters[index] as Plan['parameters'][number];
    const runs = numbers.flatMap((number) => {
      const block = blocks[number] as Plan['blocks'][number];
      return boxRuns(block, merged, block.offset);
    });
    return { variable, runs };
  });
}

/**
 * Where the weights of a rank's own blocks come from, for those blocks whose decay or averaging reads them. Runs count from the start of
 * the rank's shard.
 */
export function bindWeights(
  variables: readonly Variable[],
  { plan, options, rank }: { readonly plan: Plan; readonly options: ShampooOptions; readonly rank: number },
): readonly BoundVariable[] {
  const shardOffset = plan.counts.slice(0, rank).reduce((sum, count) => sum + count, 0);
  return variables.flatMap((variable, index) => {
    const { merged, blocks, group } = plan.parameters[index] as Plan['parameters'][number];
    if (!needsWeights((options.groups[group] as ShampooOptions['groups'][number]).options)) return [];
    const own = blocks.map((number) => plan.blocks[number] as Plan['blocks'][number]).filter(({ owner }) => owner === rank);
    return own.length === 0
      ? []
      : [{ variable, runs: own.flatMap((block) => boxRuns(block, merged, block.offset - shardOffset)) }];
  });
}

/** A gradient into the flat buffer. @throws {OptimizerError} `bad-variable` for a gradient of another shape than its variable. */
export function writeGradient(flat: Float32Array, { variable, runs }: BoundVariable, gradient: Tensor): void {
  if (String(gradient.shape) !== String(variable.shape)) {
    throw new OptimizerError(
      'bad-variable',
      `"${variable.name}" has shape [${variable.shape}], its gradient [${gradient.shape}].`,
      { name: variable.name },
    );
  }
  if (variable.size > 0) packTensor(flat, gradient, runs);
}

/** `W <- W + D`, D from the flat buffer. The only place where parameters change. */
export function moveVariable(flat: Float32Array, { variable, runs }: BoundVariable): void {
  if (variable.size > 0) tidy(() => variable.assign(add(variable, unpackTensor(flat, variable.shape, runs))));
}
