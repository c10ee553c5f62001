/** How eigenvalues become powers. */
export interface SpectrumPower {
  /** `l <- l^(-exponent)`; at least 0. */
  readonly exponent: number;
  readonly epsilon: number;
  readonly rankDeficiency: RankDeficiency;
}

/** What is done about eigenvalues that are zero, or negative by rounding. */
export type RankDeficiency =
  /** epsilon was added to the matrix before it was decomposed (`before`), or is added to its eigenvalues. */
  | { readonly type: 'perturbation'; readonly before: boolean }
  /** Eigenvalues at most `max(relativeTolerance max(l_max, 0), absoluteTolerance)` become 0. */
  | { readonly type: 'pseudo-inverse'; readonly relativeTolerance: number; readonly absoluteTolerance: number };

/**
 * Powers of the eigenvalues of a symmetric matrix that should be positive semi-definite, in place.
 *
 *     perturbation, before:  l <- (l - l_min) + epsilon   only where l_min < epsilon: the matrix already carries epsilon
 *     perturbation, after:   l <- (l - min(l_min, 0)) + epsilon
 *     pseudo-inverse:        l <= cut-off becomes 0 after the power
 *     then                   l <- l^(-exponent)
 *
 * Shift and epsilon are two additions in this order: `l + (epsilon - l_min)` would absorb epsilon where `l_min` is large and negative.
 *
 * @param values eigenvalues, [n], in any order.
 * @see spec/preconditioner.md, 1.1.
 */
export function spectrumPower(values: Float32Array | Float64Array, { exponent, epsilon, rankDeficiency }: SpectrumPower): void {
  let least = Infinity;
  let greatest = -Infinity;
  for (const value of values) {
    least = Math.min(least, value);
    greatest = Math.max(greatest, value);
  }
  if (rankDeficiency.type === 'pseudo-inverse') {
    const cutoff = Math.max(rankDeficiency.relativeTolerance * Math.max(greatest, 0), rankDeficiency.absoluteTolerance);
    for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) <= cutoff ? 0 : (values[i] as number) ** -exponent;
    return;
  }
  const repair = rankDeficiency.before ? least < epsilon : true;
  const shift = rankDeficiency.before ? least : Math.min(least, 0);
  for (let i = 0; i < values.length; i++) {
    if (repair) {
      values[i] = (values[i] as number) - shift;
      values[i] = (values[i] as number) + epsilon;
    }
    values[i] = (values[i] as number) ** -exponent;
  }
}
