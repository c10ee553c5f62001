import type { MatrixEngine } from '@distributed-shampoo/tensor';
import { type GraftingMethod, withoutRoots } from '../preconditioner.ts';

/** `P = G`, a copy: what follows writes to the direction and must not reach the first moment. */
export const identity = (engine: MatrixEngine): GraftingMethod<null> => ({
  ...withoutRoots,
  initial: () => null,
  slots: () => ({}),
  observe: () => undefined,
  apply: (_state, direction, filtered) => engine.combine(direction, filtered, { a: 1, b: 0 }),
  norm: (_state, norm, filtered) => engine.norm(norm, filtered),
});
