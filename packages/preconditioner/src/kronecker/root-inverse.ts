import type { MatrixEngine, Precision, RankDeficiency, Slot } from '@distributed-shampoo/tensor';
import { type InverseRootScratch, inverseRoot, inverseRootScratch } from '../matrix/inverse-root.ts';
import type { RootInverseOptions } from '../options.ts';
import type { BlockState, Preconditioner, RefreshJob, RefreshOutcome, SharedOptions } from '../preconditioner.ts';
import { inverseExponentOf } from './exponents.ts';
import { allocateFactors, factorCorrection, observeFactors } from './factors.ts';
import { multiplyModes } from './multiply.ts';
import { RootPool } from './root-pool.ts';

/** One dimension of a block that is preconditioned. */
interface Dimension {
  readonly factor: Slot;
  /** A^(-exponent), both triangles. Another slot after each refresh. */
  root: Slot;
  readonly exponent: number;
  readonly precision: Precision;
  readonly scratch: InverseRootScratch;
  readonly status: Slot;
  readonly norm: Slot;
}

/** State of a block of root-inverse Shampoo; null where a dimension is left alone. */
export interface RootInverseState {
  readonly dimensions: readonly (Dimension | null)[];
  readonly scratch: Slot;
}

/**
 * Shampoo with inverse roots of its factors:
 *
 *     A_k <- beta2 A_k + (1 - beta2) G(k) G(k)^T          every step
 *     R_k <- (A_k / c2 + epsilon I)^(-exponent_k)          at a refresh
 *     P   =  Gbar x_0 R_0 x_1 R_1 ...                      exponent 1 / (2 order) by default: L^(-1/4) G R^(-1/4) for a matrix
 *
 * @see Gupta, Koren and Singer, "Shampoo", arXiv 1802.09568; spec/preconditioner.md, 2 and 3.1.
 */
export function rootInverse(
  engine: MatrixEngine,
  options: RootInverseOptions,
  shared: SharedOptions,
): Preconditioner<RootInverseState> {
  const average = {
    beta2: shared.beta2,
    useBiasCorrection: shared.useBiasCorrection,
    dropWeightingFactor: options.dropWeightingFactor,
  };
  const pool = new RootPool(engine);
  const exponent = (dims: readonly number[], dimension: number) =>
    inverseExponentOf(options.inverseExponent, dims.length, dimension);
  const preconditioned = (dims: readonly number[]) => dims.filter((_, dimension) => exponent(dims, dimension) !== 0);

  const dimension = (factor: Slot, power: number): Dimension => {
    const [stack, n] = factor.shape as [number, number];
    const precision = precisionFor(options.decompositionPrecision, n);
    return {
      factor,
      root: engine.allocate([stack, n, n]),
      exponent: power,
      precision,
      scratch: inverseRootScratch(engine.frame(), [stack, n], precision),
      status: engine.allocate([stack, 1]),
      norm: engine.allocate([stack, 1]),
    };
  };

  const refreshJob = (one: Dimension, count: number): RefreshJob => {
    const { factor, scratch, status, norm, exponent: power, precision } = one;
    const n = factor.shape[1] as number;
    const successor = pool.take(one.root.shape);
    return {
      cost: n ** 3,
      run: () => {
        const { traceScaling, traceScalingExponent } = options;
        const traceExponent = traceScaling ? traceScalingExponent : 0;
        engine.scaleFactor(scratch.matrix, factor, {
          scale: 1 / factorCorrection(average, count),
          traceExponent,
          traceFloor: shared.epsilon,
        });
        const rankDeficiency = rankDeficiencyOf(options.rankDeficiency, n * engine.machineEpsilon);
        inverseRoot(
          engine,
          { root: successor, status, scratch },
          { exponent: power, epsilon: shared.epsilon, rankDeficiency, precision },
        );
        engine.norm(norm, successor);
      },
      install: () => {
        const outcome = judge(engine.values(status), engine.values(norm));
        pool.give(outcome.ok ? one.root : successor);
        if (outcome.ok) one.root = successor;
        return outcome;
      },
    };
  };

  return {
    initial(shape, frame) {
      const dims = shape.slice(1);
      const factors = allocateFactors(engine, shape, (d) => exponent(dims, d) !== 0);
      return {
        dimensions: factors.map((factor, d) => (factor === null ? null : dimension(factor, exponent(dims, d)))),
        scratch: frame.allocate(shape),
      };
    },
    reserve(shapes) {
      pool.reserve(shapes.flatMap(([stack, ...dims]) => preconditioned(dims).map((d) => [stack as number, d, d])));
    },
    start({ dimensions }) {
      for (const one of dimensions) if (one !== null) writeIdentity(engine, one.root);
    },
    slots({ dimensions }) {
      const named: Record<string, Slot> = {};
      for (const [d, one] of dimensions.entries()) {
        if (one !== null) Object.assign(named, { [`factor ${d}`]: one.factor, [`root ${d}`]: one.root });
      }
      return named satisfies BlockState;
    },
    observe: ({ dimensions }, gradient) =>
      observeFactors(
        engine,
        dimensions.map((one) => one?.factor ?? null),
        gradient,
        average,
      ),
    refresh: ({ dimensions }, count) => dimensions.filter((one) => one !== null).map((one) => refreshJob(one, count)),
    refreshCost: ([, ...dims]) => preconditioned(dims).reduce((cost, d) => cost + d ** 3, 0),
    apply: ({ dimensions, scratch }, direction, filtered) =>
      multiplyModes(
        engine,
        { out: direction, x: filtered, scratch },
        dimensions.map((one) => one?.root ?? null),
      ),
  };
}

/** Up to this order a decomposition in float64 takes under a millisecond more (0.4 ms at 128), so accuracy is free. */
const FREE_FLOAT64_ORDER = 128;

const precisionFor = (option: RootInverseOptions['decompositionPrecision'], n: number): Precision =>
  option !== 'auto' ? option : n <= FREE_FLOAT64_ORDER ? 'float64' : 'float32';

/** The rule as the engine takes it; a relative tolerance of null means rounding: order times machine epsilon. */
const rankDeficiencyOf = (rule: RootInverseOptions['rankDeficiency'], rounding: number): RankDeficiency =>
  rule.type === 'perturbation'
    ? { type: 'perturbation', before: rule.perturbBeforeComputation }
    : {
        type: 'pseudo-inverse',
        absoluteTolerance: rule.absoluteTolerance,
        relativeTolerance: rule.relativeTolerance ?? rounding,
      };

function judge(status: ArrayLike<number>, norms: ArrayLike<number>): RefreshOutcome {
  for (let member = 0; member < status.length; member++) {
    if (status[member] !== 0) return { ok: false, reason: `the eigensolver did not converge (info ${status[member]})` };
    if (!Number.isFinite(norms[member])) return { ok: false, reason: 'the root is not finite' };
  }
  return { ok: true };
}

function writeIdentity(engine: MatrixEngine, slot: Slot): void {
  const [stack, n] = slot.shape as [number, number];
  const values = engine.values(slot).fill(0);
  for (let member = 0; member < stack; member++) for (let i = 0; i < n; i++) values[member * n * n + i * (n + 1)] = 1;
}
