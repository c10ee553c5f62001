import type { Frame, MatrixEngine, Slot } from '@distributed-shampoo/tensor';

/** How the iteration runs. */
export interface NewtonSchulzOptions {
  readonly iterations: number;
  /** a, b, c of `a x + b x^3 + c x^5`, which every round does to the singular values. */
  readonly coefficients: readonly [number, number, number];
}

/** Scratch of one orthogonalisation of an `[m, n]` block; k is the shorter side. */
export interface NewtonSchulzScratch {
  /** `[stack, k, k]`. */
  readonly gram: Slot;
  readonly polynomial: Slot;
  /** `[stack, m, n]`. */
  readonly product: Slot;
  /** `[stack, 1]`. */
  readonly size: Slot;
}

/** Lays out what a block `[stack, m, n]` needs. */
export function newtonSchulzScratch(frame: Frame, [stack, m, n]: readonly [number, number, number]): NewtonSchulzScratch {
  const k = Math.min(m, n);
  return {
    gram: frame.allocate([stack, k, k]),
    polynomial: frame.allocate([stack, k, k]),
    product: frame.allocate([stack, m, n]),
    size: frame.allocate([stack, 1]),
  };
}

const SMALLEST_NORM = 1e-8;

/**
 * Brings the singular values of a matrix near 1, keeping its singular vectors:
 *
 *     X <- X / max(|X|, 1e-8)
 *     B = X X^T,  X <- a X + (b B + c B^2) X        for m <= n; for tall ones B = X^T X stands on the right
 *
 * Both squares are symmetric updates, half of a product each.
 *
 * @param x `[stack, m, n]`, in place.
 * @see Jordan et al., "Muon", 2024; spec/preconditioner.md, 1.6.
 */
export function newtonSchulz(
  engine: MatrixEngine,
  { x, scratch }: { readonly x: Slot; readonly scratch: NewtonSchulzScratch },
  { iterations, coefficients: [a, b, c] }: NewtonSchulzOptions,
): void {
  const { gram, polynomial, product, size } = scratch;
  const [, m, n] = x.shape as [number, number, number];
  const mode = m <= n ? 0 : 1;
  engine.norm(size, x);
  engine.scaleByPower(x, size, { factor: 1, power: -1, least: SMALLEST_NORM });
  for (let round = 0; round < iterations; round++) {
    engine.modeGram(gram, x, { mode, decay: 0, weight: 1 });
    engine.mirror(gram);
    engine.modeGram(polynomial, gram, { mode: 0, decay: 0, weight: c });
    engine.mirror(polynomial);
    engine.combine(polynomial, gram, { a: b, b: 1 });
    engine.modeProduct(product, x, polynomial, { mode });
    engine.combine(x, product, { a: 1, b: a });
  }
}
