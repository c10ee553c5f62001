/** Order of a block to the exponent of all its dimensions, or to exponents by dimension. */
export type InverseExponents = Readonly<Record<string, number | Readonly<Record<string, number>>>>;

/**
 * The exponent of dimension `dimension` in a block of order `order`: `L^(-exponent)`; 0 leaves the dimension alone.
 *
 * @returns what `overrides` says, else 1 / (2 order), however many dimensions are left alone. Order 0 counts as 1.
 */
export function inverseExponentOf(overrides: InverseExponents, order: number, dimension: number): number {
  const override = overrides[String(order)];
  const standard = 1 / (2 * Math.max(order, 1));
  if (override === undefined) return standard;
  return typeof override === 'number' ? override : (override[String(dimension)] ?? standard);
}
