/** What a block costs its owner: what assignment balances. */
export type CostModel =
  /** Bytes of the block in float32, rounded up to `alignment`. */
  | { readonly type: 'memory'; readonly alignment: number }
  /** Sum over the block's sizes d of max(minimum, sum over k of coefficients[k] d^k). */
  | { readonly type: 'polynomial'; readonly coefficients: readonly number[]; readonly minimum: number };

const FLOAT_BYTES = 4;

/** @returns bytes of a block in float32, rounded up to a multiple of `alignment`. */
export const alignedBytes = (shape: readonly number[], alignment = 64): number =>
  Math.ceil((shape.reduce((product, d) => product * d, 1) * FLOAT_BYTES) / alignment) * alignment;

/** @returns the cost of a block of this shape. */
export function blockCost(shape: readonly number[], model: CostModel): number {
  if (model.type === 'memory') return alignedBytes(shape, model.alignment);
  const polynomial = (d: number) => model.coefficients.reduce((sum, coefficient, power) => sum + coefficient * d ** power, 0);
  return shape.reduce((sum, d) => sum + Math.max(model.minimum, polynomial(d)), 0);
}
