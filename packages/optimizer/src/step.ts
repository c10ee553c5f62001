import { filterCorrection } from '@distributed-shampoo/preconditioner';
import type { MatrixEngine, Slot } from '@distributed-shampoo/tensor';
import type { OwnedBlock } from './block.ts';
import { averageIterates, classicMomentum } from './iterate-averaging.ts';
import type { StepScalars } from './scalars.ts';
import { addWeightDecay, decayGradient } from './weight-decay.ts';

/** Where a block stands in its life. */
export interface BlockTime {
  /** Gradients it has seen, this one included. */
  readonly count: number;
  /** Whether the grafted method still leads, because no root was taken yet. */
  readonly graftingLeads: boolean;
}

/**
 * The first half of a block's step: what is learnt from the gradient.
 *
 *     G <- G + lambda W                 weight decay of type l2
 *     factors, second moments <- G
 */
export function observe(engine: MatrixEngine, block: OwnedBlock, scalars: StepScalars, { count }: BlockTime): void {
  decayGradient(engine, block, scalars);
  block.method.observe(block.state, block.gradient, count);
}

/**
 * The second half: from the gradient to what is added to the parameter.
 *
 *     second moments in an eigenbasis <- G
 *     Gbar  filtered gradient
 *     P  <- direction of the main method, of the grafted method's length
 *     P  <- P + alpha W                 other weight decays
 *     P  <- momentum of P
 *     D  <- -learningRate P             and primal averaging
 */
export function direct(engine: MatrixEngine, block: OwnedBlock, scalars: StepScalars, time: BlockTime): void {
  const { direction, gradient, method, state } = block;
  method.observeAgain(state, gradient, time.count);
  method.apply(state, direction, filterGradient(engine, block, time), time);
  const { learningRate, decay } = scalars;
  if (block.momentum === null && block.weights !== null && decay !== 0) {
    // Decay and learning rate in one pass: nothing stands between them.
    engine.combine(direction, block.weights, { a: -learningRate * decay, b: -learningRate });
  } else {
    addWeightDecay(engine, block, scalars);
    classicMomentum(engine, block);
    engine.combine(direction, direction, { a: -learningRate, b: 0 });
  }
  averageIterates(engine, block, scalars);
}

/**
 * The filtered gradient: `M <- lerp(M, G, 1 - beta1)`, `Gbar = M / (1 - beta1^count)`. With another beta3 it looks one step further with
 * its own weight: `Gbar = lerp(M, G, 1 - beta3)` from the old M. Without beta1 it is the gradient.
 *
 * @returns the slot that holds it: the gradient's, the moment's, or scratch.
 * @see spec/optimizer.md, 1.2, operation 8.
 */
function filterGradient(engine: MatrixEngine, { gradient, moment, scratch, options }: OwnedBlock, { count }: BlockTime): Slot {
  if (moment === null) return gradient;
  const { betas, beta3, useBiasCorrection } = options;
  const [beta1] = betas;
  const looksFurther = beta3 !== beta1;
  if (looksFurther) engine.lerp(scratch, moment, gradient, { weight: 1 - beta3 });
  engine.lerp(moment, moment, gradient, { weight: 1 - beta1 });
  const filtered = looksFurther ? scratch : moment;
  const correction = useBiasCorrection ? filterCorrection(beta1, beta3, count) : 1;
  if (correction === 1) return filtered;
  engine.combine(scratch, filtered, { a: 1 / correction, b: 0 });
  return scratch;
}
