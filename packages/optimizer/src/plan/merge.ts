/** From which end small dimensions are merged: `leading` suits HWIO kernels and `[in, out]`, `trailing` is the reference's. */
export type MergeDirection = 'leading' | 'trailing';

/** How small dimensions of a parameter become one. */
export interface MergeOptions {
  /** Largest product of merged dimensions; Infinity for none. */
  readonly maxPreconditionerDim: number;
  /** Merging stops when no more dimensions than this would be left; Infinity leaves the shape untouched, ones included. */
  readonly targetParameterDimensionality: number;
  readonly mergeDirection: MergeDirection;
}

/**
 * Merges neighbouring small dimensions, greedily from one end. Dimensions of 1 go first; each further dimension multiplies the newest
 * merged one while the product stays within `maxPreconditionerDim` and more than `targetParameterDimensionality` would be left. The order
 * of elements in memory is untouched: `[3, 3, 64, 64]` becomes `[576, 64]` leading.
 *
 * @returns the merged shape; `[0]` for a shape with a dimension of 0, `[1]` where nothing is left.
 * @see spec/optimizer.md, 3.1.
 */
export function mergeDimensions(shape: readonly number[], options: MergeOptions): readonly number[] {
  const { maxPreconditionerDim, targetParameterDimensionality: target, mergeDirection } = options;
  if (shape.includes(0)) return [0];
  if (target === Infinity) return shape;
  const dims = shape.filter((d) => d !== 1);
  if (mergeDirection === 'trailing') dims.reverse();
  const merged: number[] = [];
  for (const [taken, d] of dims.entries()) {
    const newest = merged.at(-1);
    const left = dims.length - taken;
    if (newest !== undefined && merged.length + left > target && newest * d <= maxPreconditionerDim)
      merged[merged.length - 1] = newest * d;
    else merged.push(d);
  }
  if (mergeDirection === 'trailing') merged.reverse();
  return merged.length === 0 ? [1] : merged;
}
