import type { MatrixEngine, Slot } from '@distributed-shampoo/tensor';
import { type NewtonSchulzScratch, newtonSchulz, newtonSchulzScratch } from '../matrix/newton-schulz.ts';
import type { SpectralDescentOptions } from '../options.ts';
import type { GraftingMethod, SharedOptions } from '../preconditioner.ts';
import { stateless } from './stateless.ts';

/** Scratch of a block. */
interface SpectralScratch {
  /** Sum of singular values, `[stack, 1]`. */
  readonly nuclear: Slot;
  readonly newtonSchulz: NewtonSchulzScratch | null;
}

/**
 * Spectral descent, known as Muon: `P = scale U V^T`, the filtered gradient with singular values that are 1 (`svd`) or near it (`newton-schulz`). Blocks are matrices.
 *
 * @see Jordan et al., "Muon", 2024; spec/preconditioner.md, 1.6 and 4.
 */
export const spectralDescent = (
  engine: MatrixEngine,
  options: SpectralDescentOptions,
  { outputs }: SharedOptions,
): GraftingMethod =>
  stateless<SpectralScratch>(engine, {
    scratch(shape, frame) {
      const [stack, m, n] = shape as [number, number, number];
      const usesNewtonSchulz = options.method === 'newton-schulz';
      if (!usesNewtonSchulz) frame.reserve({ operation: 'polarFactor', m, n });
      return {
        nuclear: frame.allocate([stack, 1]),
        newtonSchulz: usesNewtonSchulz ? newtonSchulzScratch(frame, [stack, m, n]) : null,
      };
    },
    write({ nuclear, newtonSchulz: scratch }, direction, filtered) {
      const [, rows, columns] = direction.shape as [number, number, number];
      if (options.method === 'svd') {
        engine.polarFactor(direction, filtered, nuclear);
        if (options.scaleByNuclearNorm) engine.scaleByPower(direction, nuclear, { factor: 1, power: 1, least: 0 });
      } else {
        engine.combine(direction, filtered, { a: 1, b: 0 });
        newtonSchulz(engine, { x: direction, scratch: scratch as NewtonSchulzScratch }, options);
      }
      const ratio = outputs === 'rows' ? rows / columns : columns / rows;
      const scale = options.scaleByDims === 'sqrt-outputs-over-inputs' ? Math.sqrt(ratio) : options.scaleByDims;
      if (scale !== 1) engine.combine(direction, direction, { a: scale, b: 0 });
    },
  }) as GraftingMethod;
