import { expect } from 'vitest';

/** Passes where |actual - expected| <= absolute + relative * |expected|. */
export interface Tolerance {
  readonly name: string;
  readonly absolute: number;
  readonly relative: number;
}

/** The tolerances of this repository, each with its cause. */
export const tolerance = {
  /** The same operations in the same order. */
  exact: { name: 'exact', absolute: 0, relative: 0 },
  /** A few float32 products and sums. */
  float32: { name: 'float32', absolute: 1e-6, relative: 1e-5 },
  /** Iterated float32 products, condition number up to 1e3. */
  iterated32: { name: 'iterated32', absolute: 1e-4, relative: 1e-3 },
} as const satisfies Record<string, Tolerance>;

/**
 * Asserts element by element, and names the worst element where it fails.
 *
 * @throws an assertion error with index, both values and the bound; NaN and infinity equal only themselves.
 */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, within: Tolerance, what = 'values'): void {
  expect(actual.length, `${what}: number of elements`).toBe(expected.length);
  let worst = -1;
  let excess = 0;
  for (let i = 0; i < actual.length; i++) {
    const a = actual[i] as number;
    const e = expected[i] as number;
    if (Object.is(a, e) || a === e) continue;
    const over = Math.abs(a - e) - (within.absolute + within.relative * Math.abs(e));
    if (Number.isNaN(over) || over > excess) {
      worst = i;
      excess = Number.isNaN(over) ? Infinity : over;
    }
  }
  if (worst >= 0) {
    expect.fail(
      `${what}: element ${worst} of ${actual.length} is ${actual[worst]}, expected ${expected[worst]} (tolerance ${within.name}: ` +
        `${within.absolute} + ${within.relative} relative, exceeded by ${excess.toExponential(2)})`,
    );
  }
}
