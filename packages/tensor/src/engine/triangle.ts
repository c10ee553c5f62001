import type { PackedPrecision } from './matrix-engine.ts';

/** @returns numbers of a lower triangle of order n, diagonal included: n (n + 1) / 2. */
export const triangleLength = (n: number): number => (n * (n + 1)) / 2;

/** @returns float32 places of a packed triangle of order n: one a number, or half of one in bfloat16. */
export const packedPlaces = (n: number, precision: PackedPrecision): number =>
  precision === 'bfloat16' ? Math.ceil(triangleLength(n) / 2) : triangleLength(n);
