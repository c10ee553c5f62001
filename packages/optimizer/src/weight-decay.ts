import type { MatrixEngine } from '@distributed-shampoo/tensor';
import type { OwnedBlock } from './block.ts';
import type { StepScalars } from './scalars.ts';

/** Weight decay of type l2: `G <- G + lambda W`, before anything sees the gradient. */
export function decayGradient(engine: MatrixEngine, { gradient, weights }: OwnedBlock, { gradientDecay }: StepScalars): void {
  if (gradientDecay !== 0 && weights !== null) engine.combine(gradient, weights, { a: gradientDecay, b: 1 });
}

/**
 * The decays that are added to the direction: `P <- P + alpha W`, alpha as `nextScalars` says. With primal averaging the iterate decays
 * instead: see `averageIterates`.
 */
export function addWeightDecay(engine: MatrixEngine, { direction, weights }: OwnedBlock, { decay }: StepScalars): void {
  if (decay !== 0 && weights !== null) engine.combine(direction, weights, { a: decay, b: 1 });
}
