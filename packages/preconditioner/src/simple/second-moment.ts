import type { MatrixEngine, Slot } from '@distributed-shampoo/tensor';
import { type GraftingMethod, withoutRoots } from '../preconditioner.ts';

/** What tells the diagonal methods apart. */
export interface SecondMoment {
  readonly decay: number;
  readonly weight: number;
  readonly epsilon: number;
  /** Divides the second moments before their root. */
  readonly correction: (count: number) => number;
}

/**
 * Diagonal preconditioning by second moments:
 *
 *     V <- decay V + weight G^2,   P = Gbar / (sqrt(V / correction) + epsilon)
 *
 * The second moment is that of the raw gradient, the numerator the filtered one; epsilon is outside the root.
 */
export const secondMomentPreconditioner = (
  engine: MatrixEngine,
  { decay, weight, epsilon, correction }: SecondMoment,
): GraftingMethod<{ readonly secondMoment: Slot }> => ({
  ...withoutRoots,
  initial: (shape) => ({ secondMoment: engine.allocate(shape) }),
  slots: ({ secondMoment }) => ({ secondMoment }),
  observe: ({ secondMoment }, gradient) => engine.addSquares(secondMoment, gradient, { decay, weight }),
  apply: ({ secondMoment }, direction, filtered, count) =>
    engine.divideByRoot(direction, filtered, secondMoment, { correction: correction(count), epsilon }),
  norm: ({ secondMoment }, norm, filtered, count) =>
    engine.normOfQuotient(norm, filtered, secondMoment, { correction: correction(count), epsilon }),
});
