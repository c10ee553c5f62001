/** A block seen from one of its dimensions: `outer` slices of `d` rows of `inner` elements. */
export interface ModeStrides {
  readonly outer: number;
  readonly d: number;
  readonly inner: number;
}

/** @returns number of elements of a shape; 1 for `[]`. */
export const elements = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** @returns the strides of dimension `mode` of a block, row-major. */
export function modeStrides(dims: readonly number[], mode: number): ModeStrides {
  return { outer: elements(dims.slice(0, mode)), d: dims[mode] ?? 1, inner: elements(dims.slice(mode + 1)) };
}
