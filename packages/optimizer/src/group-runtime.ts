import {
  createGrafting,
  createPreconditioner,
  grafted,
  type Method,
  type Preconditioner,
  PreconditionerError,
} from '@distributed-shampoo/preconditioner';
import type { MatrixEngine } from '@distributed-shampoo/tensor';
import { OptimizerError } from './errors.ts';
import type { GroupOptions, ShampooOptions } from './options.ts';
import type { PlannedBlock } from './plan/plan.ts';
import { makeSchedule, type Schedule } from './plan/schedule.ts';
import type { GroupCounters } from './scalars.ts';

/** A group of parameters with options of their own: its method, its schedule, its counters. */
export interface GroupRuntime {
  readonly options: GroupOptions;
  readonly method: Method;
  /** Over the group's blocks of all ranks, by their position in `blocks`. */
  readonly schedule: Schedule;
  /** Position of a block in the group, by its number in the plan. */
  readonly positions: ReadonlyMap<number, number>;
  readonly counters: GroupCounters;
}

/** Where a group stands in the whole. */
interface GroupPlace {
  /** All blocks of the plan; those of other groups are passed over. */
  readonly blocks: readonly PlannedBlock[];
  readonly group: number;
  readonly rank: number;
  readonly compatibility: ShampooOptions['compatibility'];
}

/**
 * Makes a group's method on an engine, and room for what this rank refreshes at once.
 *
 * @throws {OptimizerError} `bad-option` for a preconditioner that the engine cannot have.
 */
export function makeGroup(
  engine: MatrixEngine,
  options: GroupOptions,
  { blocks, group, rank, compatibility }: GroupPlace,
): GroupRuntime {
  const { epsilon, useBiasCorrection } = options;
  const outputs = options.mergeDirection === 'leading' ? 'columns' : 'rows';
  const shared = { epsilon, beta2: options.betas[1], useBiasCorrection, outputs, compatibility } as const;
  const grafting = options.grafting === null ? null : createGrafting(engine, options.grafting, shared);
  const method = grafted(
    engine,
    byPath(group, () => createPreconditioner(engine, options.preconditioner, shared)),
    grafting,
  );
  const numbers = blocks.flatMap((block, number) => (block.group === group ? [number] : []));
  const shapeOf = (position: number) => [1, ...(blocks[numbers[position] as number] as PlannedBlock).shape];
  const schedule = makeSchedule(
    numbers.map((_, position) => method.refreshCost(shapeOf(position))),
    options,
  );
  const owned = (position: number) => blocks[numbers[position] as number]?.owner === rank;
  for (const set of schedule.sets) method.reserve(set.filter(owned).map(shapeOf));
  return {
    options,
    method,
    schedule,
    positions: new Map(numbers.map((number, position) => [number, position])),
    counters: { step: 0, weightSum: 0 },
  };
}

/** What a preconditioner refuses of its options, refused by their path within all options. What a group does not say itself, the first one was asked for already. */
function byPath(group: number, make: () => Preconditioner): Preconditioner {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof PreconditionerError) || error.code !== 'bad-option') throw error;
    const outer = [...(group === 0 ? [] : ['groups', String(group - 1), 'options']), 'preconditioner'];
    const inner = error.details['path'] as readonly string[];
    throw new OptimizerError('bad-option', `${outer.join('.')}.${error.message}`, { path: [...outer, ...inner] });
  }
}
