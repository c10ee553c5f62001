/** `numerator / denominator`, in lowest terms. */
export interface Rational {
  readonly numerator: number;
  readonly denominator: number;
}

/** Numerator and denominator, at most: as many products, about, does a coupled iteration need a round. */
const LARGEST = 64;
/** Between a fraction and its nearest double, or the double of its reciprocal's reciprocal, lie a few roundings. */
const ROUNDING = 1e-14;

/**
 * The fraction of whole numbers up to 64 that a positive number stands for: 0.3 is 3/10, though no double is.
 *
 * @returns undefined where there is none.
 */
export function rationalOf(value: number): Rational | undefined {
  for (let denominator = 1; denominator <= LARGEST; denominator++) {
    const numerator = Math.round(value * denominator);
    if (numerator < 1 || numerator > LARGEST) continue;
    if (Math.abs(numerator / denominator - value) <= ROUNDING * value) return { numerator, denominator };
  }
  return undefined;
}
