import type { Frame, MatrixEngine, Precision, RankDeficiency, Slot } from '@distributed-shampoo/tensor';

/** How a root is taken. */
export interface InverseRootOptions {
  /** A^(-exponent), above 0. */
  readonly exponent: number;
  readonly epsilon: number;
  readonly rankDeficiency: RankDeficiency;
  readonly precision: Precision;
}

/** Scratch of one root. */
export interface InverseRootScratch {
  /** Holds the matrix, lower triangle, when the root is taken; its eigenvectors afterwards. `[stack, n, n]` */
  readonly matrix: Slot;
  /** `[stack, n]` */
  readonly values: Slot;
}

/** Lays out what a root of order n needs. */
export function inverseRootScratch(
  frame: Frame,
  [stack, n]: readonly [number, number],
  precision: Precision,
): InverseRootScratch {
  frame.reserve({ operation: 'eigh', n, precision });
  return { matrix: frame.allocate([stack, n, n]), values: frame.allocate([stack, n]) };
}

/**
 * The inverse root of a symmetric positive semi-definite matrix by its eigendecomposition, both triangles of it:
 *
 *     A + epsilon I = V^T diag(l) V                (epsilon before the decomposition, where the rule says so)
 *     root = A^(-exponent)                          see `rootOfSpectrum`
 *
 * @param root   `[stack, n, n]`, destination.
 * @param status `[stack, 1]`, 0 where the solver converged; the root is worthless where it did not.
 * @param scratch its `matrix` holds A, lower triangle.
 * @see spec/preconditioner.md, 1.1 and 1.3.
 */
export function inverseRoot(
  engine: MatrixEngine,
  { root, status, scratch }: { readonly root: Slot; readonly status: Slot; readonly scratch: InverseRootScratch },
  options: InverseRootOptions,
): void {
  const { matrix, values } = scratch;
  const { epsilon, rankDeficiency, precision } = options;
  engine.eigh(values, matrix, status, { diagonal: shiftBefore({ epsilon, rankDeficiency }), precision });
  rootOfSpectrum(engine, { root, vectors: matrix, values }, options);
}

/** What is added to a matrix before it is decomposed. */
export const shiftBefore = ({ epsilon, rankDeficiency }: Pick<InverseRootOptions, 'epsilon' | 'rankDeficiency'>): number =>
  rankDeficiency.type === 'perturbation' && rankDeficiency.before ? epsilon : 0;

/**
 * The inverse root out of eigenvalues and eigenvectors, the rows of V; both are overwritten:
 *
 *     root = (diag(l^(-exponent / 2)) V)^T (diag(l^(-exponent / 2)) V) = V^T diag(l^(-exponent)) V
 *
 * The symmetric product costs half of a general one and comes out exactly symmetric.
 */
export function rootOfSpectrum(
  engine: MatrixEngine,
  { root, vectors, values }: { readonly root: Slot; readonly vectors: Slot; readonly values: Slot },
  { exponent, epsilon, rankDeficiency }: Omit<InverseRootOptions, 'precision'>,
): void {
  engine.spectrumPower(values, { exponent: exponent / 2, epsilon, rankDeficiency });
  engine.scaleRows(vectors, values);
  engine.modeGram(root, vectors, { mode: 1, decay: 0, weight: 1 });
  engine.mirror(root);
}
