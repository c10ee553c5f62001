import type { MatrixEngine } from '@distributed-shampoo/tensor';
import type { SignDescentOptions } from '../options.ts';
import type { GraftingMethod } from '../preconditioner.ts';
import { stateless } from './stateless.ts';

/** Sign descent: `P = scale sign(Gbar)`, 0 where the gradient is; `scale` a number, or the sum of magnitudes of Gbar, block by block. */
export const signDescent = (engine: MatrixEngine, { scale }: SignDescentOptions): GraftingMethod =>
  stateless(engine, {
    scratch: ([stack], frame) => frame.allocate([stack as number, 1]),
    write(magnitude, direction, filtered) {
      engine.sign(direction, filtered);
      if (scale === 'l1') {
        engine.sumOfMagnitudes(magnitude, filtered);
        engine.scaleByPower(direction, magnitude, { factor: 1, power: 1, least: 0 });
      } else if (scale !== 1) {
        engine.combine(direction, direction, { a: scale, b: 0 });
      }
    },
  }) as GraftingMethod;
