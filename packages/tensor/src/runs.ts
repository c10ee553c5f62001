import { TensorError } from './errors.ts';

/**
 * Equal rows that lie at regular distances, in a tensor and in a flat buffer at once: a block of a matrix, for example. All
 * numbers are elements. Row r lies at `tensorOffset + r * tensorStride` of the tensor, taken as flat, and at
 * `bufferOffset + r * bufferStride` of the buffer.
 */
export interface Run {
  readonly tensorOffset: number;
  readonly bufferOffset: number;
  /** Elements of a row. */
  readonly length: number;
  /** Rows. */
  readonly count: number;
  readonly tensorStride: number;
  readonly bufferStride: number;
}

/** The run that is a whole tensor, at one place of a buffer. */
export function wholeRun(size: number, bufferOffset: number): Run {
  return { tensorOffset: 0, bufferOffset, length: size, count: 1, tensorStride: size, bufferStride: size };
}

/** How far runs may reach. */
export interface Extent {
  readonly tensorSize: number;
  readonly bufferSize: number;
}

/** @throws {TensorError} `bad-argument` for a run that isn't made of whole numbers, or that leaves the tensor or the buffer. */
export function checkRuns(runs: readonly Run[], { tensorSize, bufferSize }: Extent, who: string): void {
  for (const [index, run] of runs.entries()) {
    const numbers = [run.tensorOffset, run.bufferOffset, run.length, run.count, run.tensorStride, run.bufferStride];
    const whole = numbers.every((n) => Number.isSafeInteger(n) && n >= 0);
    if (whole && (run.length === 0 || run.count === 0)) continue;
    const tensorEnd = run.tensorOffset + (run.count - 1) * run.tensorStride + run.length;
    const bufferEnd = run.bufferOffset + (run.count - 1) * run.bufferStride + run.length;
    if (!whole || tensorEnd > tensorSize || bufferEnd > bufferSize) {
      throw new TensorError(
        'bad-argument',
        `${who}: run ${index} ends at element ${tensorEnd} of a tensor of ${tensorSize} and at element ${bufferEnd} of a buffer of ${bufferSize}. ` +
          'Offsets, strides, lengths and counts are whole numbers of elements.',
        { run, tensorSize, bufferSize },
      );
    }
  }
}

/** Elements that runs move, all rows counted. */
export function elementsOf(runs: readonly Run[]): number {
  return runs.reduce((sum, run) => sum + run.length * run.count, 0);
}

/** Copies `length` elements between an element of the tensor and one of the buffer. */
export type CopyRow = (tensorElement: number, bufferElement: number, length: number) => void;

/** Calls `copy` for every row; rows that touch in both places go as one. */
export function forEachRow(runs: readonly Run[], copy: CopyRow): void {
  for (const { tensorOffset, bufferOffset, length, count, tensorStride, bufferStride } of runs) {
    if (count === 1 || (tensorStride === length && bufferStride === length)) {
      copy(tensorOffset, bufferOffset, length * count);
      continue;
    }
    for (let row = 0; row < count; row++) copy(tensorOffset + row * tensorStride, bufferOffset + row * bufferStride, length);
  }
}
