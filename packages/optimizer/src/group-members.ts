import type { Variable } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { OptimizerError } from './errors.ts';

/** Which parameters a group has: names, indices, or all that are vectors (at most one dimension above 1). */
export const members = z.union([z.array(z.string()).min(1), z.array(z.int().min(0)).min(1), z.literal('vectors')]);

/** Which parameters a group has, as it was written. */
export type Members = z.output<typeof members>;

/**
 * Gives each variable its group: the last one that names it, else the first group.
 *
 * @returns the group's number per variable.
 * @throws {OptimizerError} `bad-option` for a group that names a parameter that isn't there.
 */
export function assignGroups(
  variables: readonly Variable[],
  groups: readonly { readonly members: Members | 'rest' }[],
): readonly number[] {
  const groupOf = new Array<number>(variables.length).fill(0);
  for (const [group, { members }] of groups.entries()) {
    for (const index of memberIndices(members, variables, group)) groupOf[index] = group;
  }
  return groupOf;
}

function memberIndices(members: Members | 'rest', variables: readonly Variable[], group: number): readonly number[] {
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
