import {
  alignedBytes,
  assignByCost,
  blockCost,
  type CostModel,
  cutBlocks,
  mergeDimensions,
} from '@distributed-shampoo/optimizer';
import type { PartitionCase } from './golden.ts';

/** Merges, cuts and assigns as a partition case asks. @returns what differs from it; undefined where nothing does. */
export function runPartition(golden: PartitionCase): string | undefined {
  const { maxPreconditionerDim, targetParameterDimensionality, groupSize } = golden;
  const cost: CostModel = golden.cost.type === 'memory' ? { type: 'memory', alignment: 64 } : golden.cost;
  const shapes: (readonly number[])[] = [];
  for (const [index, { shape, merged, blocks }] of golden.parameters.entries()) {
    const ours = mergeDimensions(shape, { maxPreconditionerDim, targetParameterDimensionality, mergeDirection: 'trailing' });
    if (String(ours) !== String(merged)) return `parameter ${index} [${shape}]: merged [${ours}], expected [${merged}]`;
    const cut = cutBlocks(ours, maxPreconditionerDim).map((box) => box.shape);
    if (JSON.stringify(cut) !== JSON.stringify(blocks))
      return `parameter ${index} [${shape}]: blocks ${JSON.stringify(cut)}, expected ${JSON.stringify(blocks)}`;
    shapes.push(...cut);
  }
  const owners = assignByCost(
    shapes.map((shape) => blockCost(shape, cost, { factored: true, preconditionFrequency: 1 })),
    groupSize,
  );
  const assignment = shapes.map((shape, block) => ({ alignedBytes: alignedBytes(shape), rank: owners[block] as number }));
  if (assignment.length !== golden.assignment.length)
    return `${assignment.length} blocks assigned, expected ${golden.assignment.length}`;
  for (const [block, expected] of golden.assignment.entries()) {
    const { alignedBytes: bytes, rank } = assignment[block] as (typeof assignment)[number];
    if (bytes !== expected.alignedBytes || rank !== expected.rank)
      return `block ${block}: ${bytes} bytes to rank ${rank}, expected ${expected.alignedBytes} to ${expected.rank}`;
  }
  return undefined;
}
