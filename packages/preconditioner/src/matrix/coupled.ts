import type { Frame, Slot } from '@distributed-shampoo/tensor';

/** Scratch of one root by a coupled iteration. */
export interface CoupledScratch {
  /** Holds A, lower triangle, when the root is taken; M afterwards. All are `[stack, n, n]`. */
  readonly matrix: Slot;
  readonly shifted: Slot;
  readonly t: Slot;
  readonly product: Slot;
  readonly residual: Slot;
  /** `[stack, 1]`. */
  readonly size: Slot;
  readonly error: Slot;
  readonly before: Slot;
  readonly stop: Slot;
}

/** Lays out what a root of order n needs. */
export function coupledScratch(frame: Frame, [stack, n]: readonly [number, number]): CoupledScratch {
  const matrix = () => frame.allocate([stack, n, n]);
  const number = () => frame.allocate([stack, 1]);
  return {
    matrix: matrix(),
    shifted: matrix(),
    t: matrix(),
    product: matrix(),
    residual: matrix(),
    size: number(),
    error: number(),
    before: number(),
    stop: number(),
  };
}

/** Where results go. */
export interface RootSlots {
  /** `[stack, n, n]`. */
  readonly root: Slot;
  /** `[stack, 1]`, 0 where the root is good. */
  readonly status: Slot;
}

/** Below this error an iteration that no longer falls has reached rounding. */
export const NEAR = 1e-3;
/** A root whose defining equation is off by more is none. */
export const FAILED = 0.1;
