import type { MatrixEngine, Slot } from '@distributed-shampoo/tensor';
import type { EigendecomposedOptions, RootInverseOptions } from '../options.ts';
import { type Preconditioner, type SharedOptions, withoutSecondLook } from '../preconditioner.ts';
import { type Dimension, dimensionSlots, layOutDimension, type Refresher, type RefreshMethod, refreshJob } from './dimension.ts';
import { inverseExponentOf } from './exponents.ts';
import { factorStorage } from './factor-storage.ts';
import { allocateFactors, observeFactor } from './factors.ts';
import { multiplyModes } from './multiply.ts';
import { PlacePool } from './place-pool.ts';
import { decomposedMethod, rootMethod } from './refresh-methods.ts';

/** State of a block; null where a dimension is left alone. */
export interface ShampooState {
  readonly dimensions: readonly (Dimension | null)[];
  readonly scratch: Slot;
  /** The gradient as one factor of KL-Shampoo sees it; null otherwise. */
  readonly projected: Slot | null;
}

type ShampooOptions = RootInverseOptions | EigendecomposedOptions;

/** Shampoo with roots that are computed from the factors alone: `eigen`, `coupled-newton`, `coupled-higher-order`. */
export function rootInverse(
  engine: MatrixEngine,
  options: RootInverseOptions,
  shared: SharedOptions,
): Preconditioner<ShampooState> {
  return shampoo(engine, options, { shared, method: rootMethod(engine, options, shared) });
}

/** Shampoo with roots from an eigenbasis that is kept and brought up to date: `eigh`, `qr`. */
export function eigendecomposed(
  engine: MatrixEngine,
  options: EigendecomposedOptions,
  shared: SharedOptions,
): Preconditioner<ShampooState> {
  return shampoo(engine, options, { shared, method: decomposedMethod(engine, options, shared) as RefreshMethod });
}

/**
 * Shampoo:
 *
 *     A_k <- beta2 A_k + (1 - beta2) G_k(k) G_k(k)^T       every step
 *     R_k <- (A_k / c2 + epsilon I)^(-exponent_k)          at a refresh
 *     P   =  Gbar x_0 R_0 x_1 R_1 ...                      exponent 1 / (2 order) by default: L^(-1/4) G R^(-1/4) for a matrix
 *
 * with `G_k = G`, and for KL-Shampoo `G_k = G x_j R_j` over all other dimensions j: each factor is estimated from what the others leave.
 *
 * @see Gupta, Koren and Singer, "Shampoo", arXiv 1802.09568; Lin et al., KL-Shampoo, arXiv 2509.03378; spec/preconditioner.md, 2 and 3.
 */
function shampoo(
  engine: MatrixEngine,
  options: ShampooOptions,
  { shared, method }: { readonly shared: SharedOptions; readonly method: RefreshMethod },
): Preconditioner<ShampooState> {
  const average = { ...shared, dropWeightingFactor: options.dropWeightingFactor };
  const storage = factorStorage(engine, options.factorStorage);
  const pool = new PlacePool(engine);
  const refresher: Refresher = { engine, method, pool, scaling: { ...options, average, epsilon: shared.epsilon } };
  const projects = options.type === 'kl-root-inverse' || options.type === 'kl-eigendecomposed';
  const exponent = (dims: readonly number[], dimension: number) =>
    inverseExponentOf(options.inverseExponent, dims.length, dimension);
  const preconditioned = (dims: readonly number[]) => dims.filter((_, dimension) => exponent(dims, dimension) !== 0);
  const roots = ({ dimensions }: ShampooState) => dimensions.map((one) => one?.kept['root'] ?? null);

  return {
    ...withoutSecondLook,
    initial(shape, frame) {
      const dims = shape.slice(1);
      const factors = allocateFactors({ storage, frame }, shape, (d) => exponent(dims, d) !== 0);
      return {
        dimensions: factors.map((factor, d) =>
          factor === null ? null : layOutDimension(engine, method, factor, exponent(dims, d)),
        ),
        scratch: frame.allocate(shape),
        projected: projects ? frame.allocate(shape) : null,
      };
    },
    reserve(shapes) {
      pool.reserve(
        shapes.flatMap(([stack, ...dims]) =>
          preconditioned(dims).flatMap((d) => Object.values(method.keeps(stack as number, d))),
        ),
      );
    },
    start({ dimensions }) {
      for (const one of dimensions) if (one !== null) method.start(one.kept, one.exponent);
    },
    slots: ({ dimensions }) => dimensionSlots(dimensions),
    observe(state, gradient) {
      for (const [mode, one] of state.dimensions.entries()) {
        if (one === null) continue;
        const seen = state.projected ?? gradient;
        if (state.projected !== null)
          multiplyModes(engine, { out: state.projected, x: gradient, scratch: state.scratch }, roots(state).with(mode, null));
        observeFactor(engine, { factor: one.factor, gradient: seen, mode }, average);
      }
    },
    refresh: ({ dimensions }, count) =>
      dimensions.filter((one) => one !== null).map((one) => refreshJob(refresher, one, { count })),
    refreshCost: ([, ...dims]) => preconditioned(dims).reduce((cost, d) => cost + d ** 3, 0),
    apply: (state, direction, filtered) =>
      multiplyModes(engine, { out: direction, x: filtered, scratch: state.scratch }, roots(state)),
  };
}
