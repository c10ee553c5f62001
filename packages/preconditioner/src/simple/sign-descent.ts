import type { Frame, MatrixEngine, Slot } from '@distributed-shampoo/tensor';
import type { SignDescentOptions } from '../options.ts';
import { type GraftingMethod, withoutRoots } from '../preconditioner.ts';

/** Scratch of a block. */
interface SignState {
  readonly direction: Slot;
  /** `[stack, 1]`. */
  readonly magnitude: Slot;
}

/** Sign descent: `P = scale sign(Gbar)`, 0 where the gradient is; `scale` a number, or the sum of magnitudes of Gbar, block by block. */
export function signDescent(engine: MatrixEngine, { scale }: SignDescentOptions): GraftingMethod<SignState> {
  const apply = ({ magnitude }: SignState, direction: Slot, filtered: Slot) => {
    engine.sign(direction, filtered);
    if (scale === 'l1') {
      engine.sumOfMagnitudes(magnitude, filtered);
      engine.scaleByPower(direction, magnitude, { factor: 1, power: 1, least: 0 });
    } else if (scale !== 1) {
      engine.combine(direction, direction, { a: scale, b: 0 });
    }
  };
  return {
    ...withoutRoots,
    initial: (shape, frame: Frame) => ({ direction: frame.allocate(shape), magnitude: frame.allocate([shape[0] as number, 1]) }),
    slots: () => ({}),
    observe: () => undefined,
    apply,
    norm(state, norm, filtered) {
      apply(state, state.direction, filtered);
      engine.norm(norm, state.direction);
    },
  };
}
