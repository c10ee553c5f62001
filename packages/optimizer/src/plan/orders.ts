import { requiredOrder } from '@distributed-shampoo/preconditioner';
import { OptimizerError } from '../errors.ts';
import type { ShampooOptions } from '../options.ts';
import type { Plan } from './plan.ts';

/**
 * Checks that blocks have the order that their group's method takes.
 *
 * @throws {OptimizerError} `bad-option`, which names the first parameter whose blocks have another.
 */
export function checkOrders({ parameters, blocks }: Plan, { groups }: ShampooOptions): void {
  for (const { name, shape, group, merge, blocks: numbers } of parameters) {
    const block = blocks[numbers[0] ?? -1];
    const { preconditioner, grafting } = (groups[group] as ShampooOptions['groups'][number]).options;
    for (const [option, method] of Object.entries({ preconditioner, grafting })) {
      const order = method === null ? null : requiredOrder(method);
      if (method === null || order === null || block === undefined || block.shape.length === order) continue;
      const path = [...(group === 0 ? [] : ['groups', String(group - 1), 'options']), option];
      const remedy =
        block.shape.length < order
          ? 'Give vectors a group of their own: groups: [{ parameters: "vectors", options: { ... } }]'
          : `Raise maxPreconditionerDim, now ${merge.maxPreconditionerDim}, up to "infinity", so that more dimensions are merged`;
      throw new OptimizerError(
        'bad-option',
        `${path.join('.')}: ${method.type} takes blocks of order ${order}, and "${name}" of shape [${shape}] has blocks of shape [${block.shape}]. ${remedy}.`,
        { path, name, shape: block.shape },
      );
    }
  }
}
