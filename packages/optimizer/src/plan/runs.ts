import type { Run } from '@distributed-shampoo/tensor';
import type { Box } from './blocks.ts';

/**
 * Where the elements of a box lie in its parameter and in the flat buffer, as strided runs. The box is row-major and without gaps in the
 * buffer; in the parameter its rows are `merged`'s.
 *
 * Trailing dimensions that the box covers whole make rows longer; the two innermost levels that are left become one strided run, every
 * level above it repeats that run.
 */
export function boxRuns({ origin, shape }: Box, merged: readonly number[], bufferOffset: number): readonly Run[] {
  const strides = merged.map((_, at) => merged.slice(at + 1).reduce((product, d) => product * d, 1));
  // `inner`: the first dimension from which on the box is contiguous in the parameter, as a run of `length` elements.
  let inner = Math.max(merged.length - 1, 0);
  while (inner > 0 && shape[inner] === merged[inner]) inner--;
  const length = shape.slice(inner).reduce((product, d) => product * d, 1);
  const start = origin.reduce((sum, at, dimension) => sum + at * (strides[dimension] as number), 0);
  const rowDimension = inner - 1;
  const count = rowDimension >= 0 ? (shape[rowDimension] as number) : 1;
  const tensorStride = rowDimension >= 0 ? (strides[rowDimension] as number) : length;
  let starts = [start];
  for (let dimension = 0; dimension < rowDimension; dimension++) {
    starts = starts.flatMap((from) =>
      Array.from({ length: shape[dimension] as number }, (_, i) => from + i * (strides[dimension] as number)),
    );
  }
  return starts.map((tensorOffset, i) => ({
    tensorOffset,
    bufferOffset: bufferOffset + i * count * length,
    length,
    count,
    tensorStride,
    bufferStride: length,
  }));
}
