import { assignByCost } from './assign.ts';

/** When roots are taken. */
export interface ScheduleOptions {
  readonly refresh: 'together' | 'staggered' | 'background';
  readonly preconditionFrequency: number;
  /** At least the frequency; Infinity: never. */
  readonly startPreconditioningStep: number;
}

/** When each block of a group refreshes its roots. Steps count from 1. */
export interface Schedule {
  /** Blocks that refresh in the same step, by index: what has to find room at once. */
  readonly sets: readonly (readonly number[])[];
  /** Whether a block's roots are due at a step. */
  readonly due: (block: number, step: number) => boolean;
  /** The first step that a block's roots are used in. */
  readonly first: (block: number) => number;
}

/**
 * `together`: all blocks at the start step, later at multiples of the frequency, as the reference does.
 *
 * `staggered`: every block has a phase in [0, frequency), so that the cost of each step of a period is as even as whole blocks allow:
 * block b is due at start + phase_b and every frequency steps from there. Before its first refresh a block follows the grafted method.
 * `background`: the same, but roots come into use a step later.
 *
 * Phases depend on shapes alone, not on owners, so that any number of ranks gives the same trajectory.
 *
 * @param costs cost of refreshing each block; blocks of cost 0 are never due.
 */
export function makeSchedule(costs: readonly number[], options: ScheduleOptions): Schedule {
  const { refresh, preconditionFrequency: frequency, startPreconditioningStep: start } = options;
  const dear = start === Infinity ? [] : costs.flatMap((cost, block) => (cost > 0 ? [block] : []));
  if (refresh === 'together') {
    const costly = new Set(dear);
    return {
      sets: [dear],
      due: (block, step) => costly.has(block) && (step === start || (step > start && step % frequency === 0)),
      first: () => start,
    };
  }
  const phases = assignByCost(
    dear.map((block) => costs[block] as number),
    frequency,
  );
  const phaseOf = new Map(dear.map((block, index) => [block, phases[index] as number]));
  const firstDue = (block: number) => start + (phaseOf.get(block) ?? 0);
  return {
    sets: Array.from({ length: frequency }, (_, phase) => dear.filter((block) => phaseOf.get(block) === phase)),
    due: (block, step) => phaseOf.has(block) && step >= firstDue(block) && (step - firstDue(block)) % frequency === 0,
    first: (block) => firstDue(block) + (refresh === 'background' ? 1 : 0),
  };
}
