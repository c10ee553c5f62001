import { assignByCost } from './assign.ts';
import { type Box, cutBlocks } from './blocks.ts';
import { alignedBytes, type BlockWork, blockCost, type CostModel } from './cost.ts';
import { type MergeOptions, mergeDimensions } from './merge.ts';

/** What the plan has to know of a parameter. */
export interface ParameterShape {
  readonly name: string;
  readonly shape: readonly number[];
  /** Index of the parameter's group of options. */
  readonly group: number;
  readonly merge: MergeOptions;
  readonly work: BlockWork;
}

/** A parameter and its blocks. */
export interface PlannedParameter extends ParameterShape {
  readonly merged: readonly number[];
  /** Numbers of its blocks, in grid order. */
  readonly blocks: readonly number[];
}

/** A block: a box of one parameter, its owner, and its place in the flat buffer. */
export interface PlannedBlock extends Box {
  /** Stable name: parameter and origin. */
  readonly id: string;
  /** Index of the parameter, and of its group of options. */
  readonly parameter: number;
  readonly group: number;
  readonly owner: number;
  /** First element in the flat buffer, a multiple of 16, and how many there are. */
  readonly offset: number;
  readonly elements: number;
}

/** Who steps what, and where it lies. Follows from shapes and options alone, so that every rank computes it alone. */
export interface Plan {
  readonly parameters: readonly PlannedParameter[];
  /** In the order of parameters and their grids; empty parameters have none. */
  readonly blocks: readonly PlannedBlock[];
  /** Elements of the flat buffer that each rank owns, padding included: contiguous ranges in rank order. */
  readonly counts: readonly number[];
  /** Elements of the flat buffer. */
  readonly length: number;
}

const ALIGNMENT_BYTES = 64;

/**
 * Merges, cuts, gives every block an owner, and lays the blocks out in a flat buffer ordered by owner, then shape, then number, so that
 * an owner's range is one piece and equal blocks lie side by side.
 */
export function makePlan(
  shapes: readonly ParameterShape[],
  { ranks, cost }: { readonly ranks: number; readonly cost: CostModel },
): Plan {
  const boxes = shapes.flatMap((parameter, index) => {
    const merged = mergeDimensions(parameter.shape, parameter.merge);
    return merged.includes(0)
      ? []
      : cutBlocks(merged, parameter.merge.maxPreconditionerDim).map((box) => ({ ...box, parameter: index }));
  });
  const owners = assignByCost(
    boxes.map(({ shape, parameter }) => blockCost(shape, cost, (shapes[parameter] as ParameterShape).work)),
    ranks,
  );
  const { offsets, counts } = layOut(
    boxes.map(({ shape }) => shape),
    owners,
    ranks,
  );
  const blocks = boxes.map((box, number): PlannedBlock => {
    const parameter = shapes[box.parameter] as ParameterShape;
    return Object.freeze({
      ...box,
      id: `${parameter.name}/block [${box.origin.join(', ')}]`,
      group: parameter.group,
      owner: owners[number] as number,
      offset: offsets[number] as number,
      elements: box.shape.reduce((product, d) => product * d, 1),
    });
  });
  const parameters = shapes.map((parameter, index) =>
    Object.freeze({
      ...parameter,
      merged: mergeDimensions(parameter.shape, parameter.merge),
      blocks: blocks.flatMap((block, number) => (block.parameter === index ? [number] : [])),
    }),
  );
  return Object.freeze({ parameters, blocks, counts, length: counts.reduce((sum, count) => sum + count, 0) });
}

/** Offsets of blocks, in elements, ordered by owner, shape and number; each a whole number of cache lines. */
function layOut(shapes: readonly (readonly number[])[], owners: readonly number[], ranks: number) {
  const order = shapes.map((_, number) => number);
  order.sort((a, b) => (owners[a] as number) - (owners[b] as number) || compareShapes(shapes[a] ?? [], shapes[b] ?? []) || a - b);
  const offsets = new Array<number>(shapes.length);
  const counts = new Array<number>(ranks).fill(0);
  let end = 0;
  for (const number of order) {
    const size = alignedBytes(shapes[number] as readonly number[], ALIGNMENT_BYTES) / 4;
    offsets[number] = end;
    end += size;
    counts[owners[number] as number] = (counts[owners[number] as number] as number) + size;
  }
  return { offsets, counts };
}

function compareShapes(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return a.length - b.length;
  for (const [at, size] of a.entries()) if (size !== b[at]) return size - (b[at] as number);
  return 0;
}
