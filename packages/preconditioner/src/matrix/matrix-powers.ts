import type { MatrixEngine, Slot } from '@distributed-shampoo/tensor';

/** `out <- A B`. All are `[stack, n, n]`, different slots. */
export const multiply = (engine: MatrixEngine, out: Slot, a: Slot, b: Slot): void => engine.modeProduct(out, a, b, { mode: 1 });

/** `to <- from`. */
export const copy = (engine: MatrixEngine, to: Slot, from: Slot): void => engine.combine(to, from, { a: 1, b: 0 });

/**
 * `M <- T^power M`, for matrices that commute, by repeated squaring.
 *
 * @param t is overwritten.  @param scratch `[stack, n, n]`.
 */
export function multiplyByPower(
  engine: MatrixEngine,
  m: Slot,
  { t, power, scratch }: { readonly t: Slot; readonly power: number; readonly scratch: Slot },
): void {
  for (let rest = power; rest > 0; rest >>= 1) {
    if (rest % 2 === 1) {
      multiply(engine, scratch, t, m);
      copy(engine, m, scratch);
    }
    if (rest > 1) {
      multiply(engine, scratch, t, t);
      copy(engine, t, scratch);
    }
  }
}

/** `X <- X^power`. @param scratch two more, `[stack, n, n]`. */
export function raise(
  engine: MatrixEngine,
  x: Slot,
  { power, scratch: [base, product] }: { readonly power: number; readonly scratch: readonly [Slot, Slot] },
): void {
  if (power === 1) return;
  copy(engine, base, x);
  multiplyByPower(engine, x, { t: base, power: power - 1, scratch: product });
}
