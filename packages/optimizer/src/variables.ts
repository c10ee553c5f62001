import { packTensor, type Run, unpackTensor } from '@distributed-shampoo/tensor';
import { add, type Tensor, engine as tensorEngine, tidy, type Variable } from '@tensorflow/tfjs-core';
import { needsWeights } from './block.ts';
import { OptimizerError } from './errors.ts';
import { assignGroups } from './group-members.ts';
import type { ShampooOptions } from './options.ts';
import type { ParameterShape, Plan } from './plan/plan.ts';
import { boxRuns } from './plan/runs.ts';

/** @throws {OptimizerError} `bad-variable` for two of one name or a type other than float32. */
export function checkVariables(variables: readonly Variable[]): void {
  const seen = new Set<string>();
  for (const { name, dtype } of variables) {
    if (seen.has(name))
      throw new OptimizerError('bad-variable', `build: two variables are named "${name}"; state is kept by name.`, { name });
    if (dtype !== 'float32')
      throw new OptimizerError('bad-variable', `build: "${name}" is ${dtype}; only float32 can be trained.`, { name, dtype });
    seen.add(name);
  }
}

/** The variable of that name that TensorFlow.js knows. @throws {OptimizerError} `bad-variable`. */
export function registeredVariable(name: string): Variable {
  const variable = tensorEngine().registeredVariables[name];
  if (variable === undefined)
    throw new OptimizerError('bad-variable', `applyGradients: no variable is named "${name}".`, { name });
  return variable;
}

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
  checkVariables(variables);
  const groupOf = assignGroups(variables, groups);
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

/** @throws {OptimizerError} `bad-variable` for a gradient of another shape than its variable. */
export function mustFit(gradient: Tensor, { name, shape }: Variable): void {
  if (String(gradient.shape) === String(shape)) return;
  throw new OptimizerError('bad-variable', `"${name}" has shape [${shape}], its gradient [${gradient.shape}].`, { name });
}

/** A gradient into the flat buffer. @throws {OptimizerError} `bad-variable` for a gradient of another shape than its variable. */
export function writeGradient(flat: Float32Array, { variable, runs }: BoundVariable, gradient: Tensor): void {
  mustFit(gradient, variable);
  if (variable.size > 0) packTensor(flat, gradient, runs);
}

/** `W <- W + D`, D from the flat buffer. The only place where parameters change. */
export function moveVariable(flat: Float32Array, { variable, runs }: BoundVariable): void {
  if (variable.size > 0) tidy(() => variable.assign(add(variable, unpackTensor(flat, variable.shape, runs))));
}
