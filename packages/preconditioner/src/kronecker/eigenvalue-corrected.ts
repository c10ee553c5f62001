import type { Frame, MatrixEngine, Slot } from '@distributed-shampoo/tensor';
import type { EigenvalueCorrectedOptions } from '../options.ts';
import type { Preconditioner, SharedOptions } from '../preconditioner.ts';
import { type Dimension, dimensionSlots, layOutDimension, type Refresher, type RefreshMethod, refreshJob } from './dimension.ts';
import { factorStorage } from './factor-storage.ts';
import { allocateFactors, factorCorrection, gradientWeight, observeFactor } from './factors.ts';
import { multiplyModes } from './multiply.ts';
import { PlacePool } from './place-pool.ts';
import { basisMethod } from './refresh-methods.ts';

/** A basis that a refresh has put aside, until the second moments have followed. */
interface Turned {
  readonly vectors: Slot;
  readonly give: () => void;
}

/** State of a block; null where a dimension keeps its own axes. */
export interface EigenvalueCorrectedState {
  readonly dimensions: readonly (Dimension | null)[];
  /** Second moments in the eigenbasis, of the block's shape. */
  readonly secondMoment: Slot;
  readonly scratch: Slot;
  /** The gradient in the eigenbasis. */
  readonly rotated: Slot;
  /** By dimension: how much the new axes lie along the old ones, `[stack, n, n]`. */
  readonly overlap: readonly (readonly [Slot, Slot] | null)[];
  /** By dimension. */
  readonly turned: (Turned | null)[];
}

/**
 * Shampoo with corrected eigenvalues, known as SOAP: second moments as in Adam, in the eigenbasis of Shampoo's factors.
 *
 *     A_k <- beta2 A_k + (1 - beta2) G(k) G(k)^T                        every step
 *     Q_k <- eigenvectors of A_k / c2                                    at a refresh
 *     H = G x_k Q_k,  C <- beta2 C + (1 - beta2) H^2                    every step, in the newest basis
 *     P = (Hbar / ((C / c2)^exponent + epsilon)) x_k Q_k^T,  Hbar = Gbar x_k Q_k
 *
 * When a basis turns, C turns with it, as the diagonal of a covariance does: `C <- C x_k S_k`, `S_k = (Q_new^T Q_old)^2` entry by entry, which is
 * doubly stochastic; axes that only change places take their moments along. With `compatibility: "reference"` C stays where it is.
 *
 * @see Vyas et al., "SOAP", arXiv 2409.11321; spec/preconditioner.md, 3.3 and 8.2.
 */
export function eigenvalueCorrected(
  engine: MatrixEngine,
  options: EigenvalueCorrectedOptions,
  shared: SharedOptions,
): Preconditioner<EigenvalueCorrectedState> {
  const average = { ...shared, dropWeightingFactor: options.dropWeightingFactor };
  const method = basisMethod(engine, options, shared) as RefreshMethod;
  const storage = factorStorage(engine, options.factorStorage);
  const pool = new PlacePool(engine);
  const refresher: Refresher = { engine, method, pool, scaling: { ...options, average, epsilon: shared.epsilon } };
  const follows = shared.compatibility !== 'reference';
  const rotates = (dims: readonly number[], dimension: number) =>
    !options.ignoredBasisChangeDims[String(dims.length)]?.includes(dimension);
  const rotatedDims = (dims: readonly number[]) => dims.filter((_, dimension) => rotates(dims, dimension));
  const bases = ({ dimensions }: EigenvalueCorrectedState) => dimensions.map((one) => one?.kept['vectors'] ?? null);

  return {
    initial(shape, frame: Frame) {
      const [stack, ...dims] = shape as [number, ...number[]];
      const factors = allocateFactors({ storage, frame }, shape, (d) => rotates(dims, d));
      return {
        dimensions: factors.map((factor) => (factor === null ? null : layOutDimension(engine, method, factor, 0))),
        secondMoment: engine.allocate(shape),
        scratch: frame.allocate(shape),
        rotated: frame.allocate(shape),
        overlap: dims.map((n, d) =>
          follows && rotates(dims, d) ? [frame.allocate([stack, n, n]), frame.allocate([stack, n, n])] : null,
        ),
        turned: dims.map(() => null),
      };
    },
    reserve(shapes) {
      pool.reserve(
        shapes.flatMap(([stack, ...dims]) => rotatedDims(dims).flatMap((n) => Object.values(method.keeps(stack as number, n)))),
      );
    },
    start({ dimensions }) {
      for (const one of dimensions) if (one !== null) method.start(one.kept, one.exponent);
    },
    slots: ({ dimensions, secondMoment }) => ({ ...dimensionSlots(dimensions), 'second moment': secondMoment }),
    observe({ dimensions }, gradient) {
      for (const [mode, one] of dimensions.entries())
        if (one !== null) observeFactor(engine, { factor: one.factor, gradient, mode }, average);
    },
    refresh: ({ dimensions, turned }, count) =>
      dimensions.flatMap((one, d) => {
        if (one === null) return [];
        const onInstall = (old: Dimension['kept'], give: () => void) => {
          if (follows) turned[d] = { vectors: old['vectors'] as Slot, give };
          else give();
        };
        return [refreshJob(refresher, one, { count, onInstall })];
      }),
    refreshCost: ([, ...dims]) => rotatedDims(dims).reduce((cost, d) => cost + d ** 3, 0),
    afterRefresh(state) {
      for (const [d, turned] of state.turned.entries()) {
        if (turned === null) continue;
        follow(engine, state, d, turned.vectors);
        turned.give();
        state.turned[d] = null;
      }
    },
    observeAgain(state, gradient) {
      multiplyModes(engine, { out: state.rotated, x: gradient, scratch: state.scratch }, bases(state), { transpose: true });
      engine.addSquares(state.secondMoment, state.rotated, { decay: average.beta2, weight: gradientWeight(average) });
    },
    apply(state, direction, filtered, count) {
      const { rotated, scratch, secondMoment } = state;
      multiplyModes(engine, { out: rotated, x: filtered, scratch }, bases(state), { transpose: true });
      const exponent = options.inverseExponent[String(direction.shape.length - 1)] ?? 1 / 2;
      const how = { correction: factorCorrection(average, count), epsilon: shared.epsilon };
      if (exponent === 1 / 2) engine.divideByRoot(rotated, rotated, secondMoment, how);
      else engine.divideByPower(rotated, rotated, secondMoment, { ...how, exponent });
      multiplyModes(engine, { out: direction, x: rotated, scratch }, bases(state));
    },
  };
}

/** Turns second moments from an old basis of one dimension to the new one. */
function follow(
  engine: MatrixEngine,
  { dimensions, overlap, secondMoment, scratch }: EigenvalueCorrectedState,
  d: number,
  old: Slot,
): void {
  const [cosines, shares] = overlap[d] as readonly [Slot, Slot];
  engine.modeProduct(cosines, (dimensions[d] as Dimension).kept['vectors'] as Slot, old, { mode: 1, transpose: true });
  engine.fill(shares, { value: 0 });
  engine.addSquares(shares, cosines, { decay: 1, weight: 1 });
  engine.modeProduct(scratch, secondMoment, shares, { mode: d, transpose: true });
  engine.combine(secondMoment, scratch, { a: 1, b: 0 });
}
