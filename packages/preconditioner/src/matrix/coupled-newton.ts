import type { MatrixEngine } from '@distributed-shampoo/tensor';
import { type CoupledScratch, FAILED, NEAR, type RootSlots } from './coupled.ts';
import { copy, multiply, multiplyByPower, raise } from './matrix-powers.ts';
import type { Rational } from './rational.ts';

/** How the iteration runs. */
export interface CoupledNewtonOptions {
  /** A^(-exponent). */
  readonly exponent: Rational;
  readonly epsilon: number;
  readonly maxIterations: number;
  readonly tolerance: number;
  /** Take a result that did not converge for a root, as the reference does. */
  readonly trusting: boolean;
}

/** The largest norm of M to start from. */
const LARGEST_START = 4;

/**
 * The inverse root of a symmetric positive definite matrix by coupled Newton iterations, `A^(-q/p)`:
 *
 *     z = min((p + 1) / 2, 4) / |A + epsilon I|,  X = z^(1/p) I,  M = z (A + epsilon I)
 *     T = (1 + 1/p) I - M / p,  X <- X T,  M <- T^p M        until max |M - I| <= tolerance, or it stands still
 *     root = X^q
 *
 * The paper's z is (p + 1) / 2 |..|^(-1), at which the first round takes the largest eigenvalue of M to `(p + 1)^(p + 1) / (2 (2 p)^p)`: 1e-17 for p = 64,
 * below rounding. From 4 at most it comes to 0.08 at least, for two rounds more. Products alone: 3 to 4 a round for p = 4. Fails where the distance stays above 0.1 or is not a number.
 *
 * @see Guo and Higham, "A Schur-Newton method for the matrix pth root and its inverse", 2006; spec/preconditioner.md, 1.4.
 */
export function coupledNewton(
  engine: MatrixEngine,
  { root, status, scratch }: RootSlots & { readonly scratch: CoupledScratch },
  { exponent: { numerator: q, denominator: p }, epsilon, maxIterations, tolerance, trusting }: CoupledNewtonOptions,
): void {
  const { matrix, t, product, size, error, before, stop } = scratch;
  engine.mirror(matrix);
  engine.addDiagonal(matrix, { value: epsilon });
  engine.norm(size, matrix);
  const z = Math.min((p + 1) / 2, LARGEST_START);
  engine.identity(root);
  engine.scaleByPower(root, size, { factor: z ** (1 / p), power: -1 / p, least: 0 });
  engine.scaleByPower(matrix, size, { factor: z, power: -1, least: 0 });
  engine.distanceFromIdentity(error, matrix);
  engine.threshold(stop, error, { limit: tolerance, below: 1, above: 0, nan: 1 });
  engine.repeat(stop, { max: maxIterations }, () => {
    engine.combine(t, matrix, { a: -1 / p, b: 0 });
    engine.addDiagonal(t, { value: 1 + 1 / p });
    multiply(engine, product, root, t);
    copy(engine, root, product);
    multiplyByPower(engine, matrix, { t, power: p, scratch: product });
    copy(engine, before, error);
    engine.distanceFromIdentity(error, matrix);
    engine.threshold(stop, error, { limit: tolerance, below: 1, above: 0, nan: 1 });
    engine.stalled(stop, error, before, { growth: Number.POSITIVE_INFINITY, level: NEAR });
  });
  engine.threshold(status, error, { limit: FAILED, below: 0, above: trusting ? 0 : 1, nan: 1 });
  raise(engine, root, { power: q, scratch: [t, product] });
}
