import type { Machine } from './machine.ts';
import { next, type OperationName, operationAt, operationCode, sums } from './operations.ts';

/** What has to be known of an operation that treats each element alone, to run it on a part of them. */
interface ElementWise {
  /** Which slots hold the elements. */
  readonly elements: readonly number[];
  /** Where their number stands, counted from the first slot. */
  readonly length: number;
  /** Reads a number that a norm writes. */
  readonly readsNorm?: boolean;
  /** Of a norm: the sum under its root. */
  readonly sum?: (machine: Machine, p: Float64Array, i: number) => number;
}

const byName: Partial<Record<OperationName, ElementWise>> = {
  combine: { elements: [0, 1], length: 2 },
  lerp: { elements: [0, 1, 2], length: 3 },
  addSquares: { elements: [0, 1], length: 2 },
  divideByRoot: { elements: [0, 1, 2], length: 3 },
  rescale: { elements: [0], length: 3, readsNorm: true },
  norm: { elements: [1], length: 2, sum: sums.norm },
  normOfQuotient: { elements: [1, 2], length: 3, sum: sums.normOfQuotient },
};

const elementWise = new Map(
  Object.entries(byName).map(([name, traits]) => [operationCode(name as OperationName), traits as ElementWise]),
);

/** Elements that a run takes at once: those of six slots stay in a core's own cache, and a call costs nothing beside them. */
export const CHUNK = 8192;

const traitsAt = (p: Float64Array, i: number) => elementWise.get(p[i] as number);
const lengthAt = (p: Float64Array, i: number, { length }: ElementWise) => p[i + 1 + length] as number;

/**
 * A run is a row of operations on equally many elements, each of which needs of the others no more than the same element. It may be done piece by
 * piece: what one operation has written, the next one finds in the cache. Memory is what such operations wait for.
 *
 * @returns where the run that begins at `i` ends: after one operation where there is none.
 */
export function endOfRun(p: Float64Array, i: number, to: number): number {
  const first = traitsAt(p, i);
  if (first === undefined) return next(p, i);
  const length = lengthAt(p, i, first);
  let sawNorm = false;
  let end = i;
  while (end < to) {
    const traits = traitsAt(p, end);
    if (traits === undefined || lengthAt(p, end, traits) !== length || (sawNorm && traits.readsNorm)) break;
    sawNorm ||= traits.sum !== undefined;
    end = next(p, end);
  }
  return end;
}

/** Whether pieces are worth it, and slots are the same or apart: one that begins within another would be written before it is read. */
export function mayBeChunked(p: Float64Array, from: number, to: number): boolean {
  const bytes = 4 * lengthAt(p, from, traitsAt(p, from) as ElementWise);
  if (bytes < 4 * 2 * CHUNK) return false;
  const offsets: number[] = [];
  for (let i = from; i < to; i = next(p, i))
    for (const slot of (traitsAt(p, i) as ElementWise).elements) offsets.push(p[i + 1 + slot] as number);
  return offsets.every((a) => offsets.every((b) => a === b || Math.abs(a - b) >= bytes));
}

/** Does a run in chunks. The commands are as they were afterwards: they may be run again. */
export function runChunked(machine: Machine, p: Float64Array, from: number, to: number): void {
  const length = lengthAt(p, from, traitsAt(p, from) as ElementWise);
  const norms = new Map<number, number>();
  for (let done = 0; done < length; done += CHUNK) {
    const count = Math.min(CHUNK, length - done);
    for (let i = from; i < to; i = next(p, i)) {
      const traits = traitsAt(p, i) as ElementWise;
      move(p, i, traits, 4 * done);
      p[i + 1 + traits.length] = count;
      if (traits.sum === undefined) operationAt(p, i)[2](machine, p, i + 1);
      else norms.set(i, (norms.get(i) ?? 0) + traits.sum(machine, p, i + 1));
      p[i + 1 + traits.length] = length;
      move(p, i, traits, -4 * done);
    }
  }
  for (const [i, sum] of norms) machine.float32[(p[i + 1] as number) / 4] = Math.sqrt(sum);
}

function move(p: Float64Array, i: number, { elements }: ElementWise, bytes: number): void {
  for (const slot of elements) p[i + 1 + slot] = (p[i + 1 + slot] as number) + bytes;
}
