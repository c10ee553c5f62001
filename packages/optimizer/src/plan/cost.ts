/** What a block costs its owner: what assignment balances. */
export type CostModel =
  /** Arithmetic of a step, refreshes spread over their period included: see `arithmeticCost`. */
  | { readonly type: 'arithmetic' }
  /** Bytes of the block in float32, rounded up to `alignment`. */
  | { readonly type: 'memory'; readonly alignment: number }
  /** Sum over the block's sizes d of max(minimum, sum over k of coefficients[k] d^k). */
  | { readonly type: 'polynomial'; readonly coefficients: readonly number[]; readonly minimum: number };

const FLOAT_BYTES = 4;

/** @returns bytes of a block in float32, rounded up to a multiple of `alignment`. */
export const alignedBytes = (shape: readonly number[], alignment = 64): number =>
  Math.ceil((shape.reduce((product, d) => product * d, 1) * FLOAT_BYTES) / alignment) * alignment;

/** What a block's cost depends on besides its shape. */
export interface BlockWork {
  /** Whether its group preconditions with Kronecker factors. */
  readonly factored: boolean;
  readonly preconditionFrequency: number;
}

/** Element-wise passes of a step, in multiplications at the rate of a matrix product: 6 ns an element against 100 GFLOPS, measured on blocks in cache. */
const PASSES = 600;
/** A root of order n, in units of n^3 at that rate: `ssyevd` of order 1024 takes 85 ms. */
const ROOT = 8;

/**
 * Operations of a block in a step: a symmetric update (half a product) and a product per dimension, element-wise passes, and its share of the roots:
 *
 *     elements (3 sum of d + 600) + 8 (sum of d^3) / frequency        600 elements without factors
 */
export function arithmeticCost(shape: readonly number[], { factored, preconditionFrequency }: BlockWork): number {
  const elements = shape.reduce((product, d) => product * d, 1);
  if (!factored) return PASSES * elements;
  const products = shape.reduce((sum, d) => sum + 3 * d, PASSES) * elements;
  return products + (ROOT * shape.reduce((sum, d) => sum + d ** 3, 0)) / preconditionFrequency;
}

/** @returns the cost of a block of this shape. */
export function blockCost(shape: readonly number[], model: CostModel, work: BlockWork): number {
  if (model.type === 'arithmetic') return arithmeticCost(shape, work);
  if (model.type === 'memory') return alignedBytes(shape, model.alignment);
  const polynomial = (d: number) => model.coefficients.reduce((sum, coefficient, power) => sum + coefficient * d ** power, 0);
  return shape.reduce((sum, d) => sum + Math.max(model.minimum, polynomial(d)), 0);
}
