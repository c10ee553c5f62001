import type { Threshold } from './matrix-engine.ts';

/** `below`, `above` or `nan`, by where x lies. */
export const threshold = (x: number, { limit, below, above, nan }: Threshold): number =>
  x <= limit ? below : x > limit ? above : nan;

/** Whether an iteration's error has grown by more than a factor, or stopped to fall below a level. */
export const isStalled = (
  now: number,
  before: number,
  { growth, level }: { readonly growth: number; readonly level: number },
): boolean => now > growth * before || (now >= before && now < level);
