/**
 * Bias correction `1 - beta^count`, rounded as the reference rounds it: beta to float32, the power in float64 and then to float32, the
 * difference to float32. Native float32 powers differ in 4 % of cases, and for beta = 0.999 the first correction is off by 1.3e-5.
 *
 * @see spec/preconditioner.md, 7.
 */
export const biasCorrection = (beta: number, count: number): number => Math.fround(1 - Math.fround(Math.fround(beta) ** count));

/**
 * Bias correction of a filtered gradient, `1 - beta3 beta1^(count - 1)`; with beta3 = beta1 that is `1 - beta1^count`. Same rounding.
 */
export const filterCorrection = (beta1: number, beta3: number, count: number): number =>
  Math.fround(1 - Math.fround(Math.fround(beta3) * Math.fround(Math.fround(beta1) ** (count - 1))));
