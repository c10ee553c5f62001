import type { MatrixEngine } from '@distributed-shampoo/tensor';
import { type CoupledScratch, FAILED, NEAR, type RootSlots } from './coupled.ts';
import { copy, multiply, multiplyByPower, raise } from './matrix-powers.ts';
import type { Rational } from './rational.ts';

/** How the iteration runs. */
export interface CoupledHigherOrderOptions {
  /** A^(-exponent). */
  readonly exponent: Rational;
  readonly relativeEpsilon: number;
  readonly absoluteEpsilon: number;
  readonly maxIterations: number;
  readonly tolerance: number;
  /** Terms of the series; 2 is Newton's iteration, 3 Chebyshev's. */
  readonly order: number;
}

/** An error that has grown by more than this is not coming back. */
const GROWTH = 1.2;

/**
 * The inverse root of a symmetric positive definite matrix by coupled iterations of higher order, `A^(-q/p)`:
 *
 *     e_A = max(relativeEpsilon max_i sum_j |a_ij|, absoluteEpsilon),  A' = A + e_A I
 *     z = 1 / tr A',  X = z^(1/p) I,  M = z A'
 *     first round:  T = (1 + 1/p) I - M / p
 *     later:        T = sum_i b_i (I - M)^i,  i < order,  the series of (I - E)^(-1/p)
 *     X <- X T,  M <- T^p M        until max |M - I| <= tolerance, stands still, or grows by a fifth
 *     root = X^q
 *
 * Fails where `max |A' X^p - I|` is above 0.1 or not a number.
 *
 * @see Lakic, "On the computation of the matrix k-th root", 1998; spec/preconditioner.md, 1.5.
 */
export function coupledHigherOrder(
  engine: MatrixEngine,
  { root, status, scratch }: RootSlots & { readonly scratch: CoupledScratch },
  {
    exponent: { numerator: q, denominator: p },
    relativeEpsilon,
    absoluteEpsilon,
    maxIterations,
    tolerance,
    order,
  }: CoupledHigherOrderOptions,
): void {
  const { matrix, shifted, t, product, residual, size, error, before, stop } = scratch;
  engine.mirror(matrix);
  engine.largestRowSum(size, matrix);
  engine.addScaledDiagonal(matrix, size, { relative: relativeEpsilon, least: absoluteEpsilon });
  copy(engine, shifted, matrix);
  engine.trace(size, matrix);
  engine.identity(root);
  engine.scaleByPower(root, size, { factor: 1, power: -1 / p, least: 0 });
  engine.scaleByPower(matrix, size, { factor: 1, power: -1, least: 0 });
  const advance = () => {
    multiply(engine, product, root, t);
    copy(engine, root, product);
    multiplyByPower(engine, matrix, { t, power: p, scratch: product });
    engine.distanceFromIdentity(error, matrix);
    engine.threshold(stop, error, { limit: tolerance, below: 1, above: 0, nan: 1 });
  };
  engine.combine(t, matrix, { a: -1 / p, b: 0 });
  engine.addDiagonal(t, { value: 1 + 1 / p });
  advance();
  const terms = seriesTerms(p, order);
  engine.repeat(stop, { max: maxIterations - 1 }, () => {
    copy(engine, before, error);
    engine.combine(residual, matrix, { a: -1, b: 0 });
    engine.addDiagonal(residual, { value: 1 });
    // Horner's rule.
    engine.combine(t, residual, { a: terms[order - 1] as number, b: 0 });
    engine.addDiagonal(t, { value: terms[order - 2] as number });
    for (const term of terms.slice(0, order - 2).reverse()) {
      multiply(engine, product, t, residual);
      copy(engine, t, product);
      engine.addDiagonal(t, { value: term });
    }
    advance();
    engine.stalled(stop, error, before, { growth: GROWTH, level: NEAR });
  });
  copy(engine, t, root);
  multiplyByPower(engine, shifted, { t, power: p, scratch: product });
  engine.distanceFromIdentity(error, shifted);
  engine.threshold(status, error, { limit: FAILED, below: 0, above: 1, nan: 1 });
  raise(engine, root, { power: q, scratch: [t, product] });
}

/** `b_0 ... b_(order-1)` of `(1 - e)^(-1/p) = sum b_i e^i`: `b_i = product of (1 + (j - 1) p) / (j p), j = 1 ... i`. */
function seriesTerms(p: number, order: number): number[] {
  const terms = [1];
  for (let j = 1; j < order; j++) terms.push(((terms[j - 1] as number) * (1 + (j - 1) * p)) / (j * p));
  return terms;
}
