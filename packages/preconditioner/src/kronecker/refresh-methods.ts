import { type MatrixEngine, type Precision, type RankDeficiency, type Slot, spectrumPower } from '@distributed-shampoo/tensor';
import { type CoupledScratch, coupledScratch } from '../matrix/coupled.ts';
import { coupledHigherOrder } from '../matrix/coupled-higher-order.ts';
import { coupledNewton } from '../matrix/coupled-newton.ts';
import { type EigenbasisOptions, type EigenbasisScratch, eigenbasis, eigenbasisScratch } from '../matrix/eigenbasis.ts';
import { type InverseRootScratch, inverseRoot, inverseRootScratch, rootOfSpectrum, shiftBefore } from '../matrix/inverse-root.ts';
import { copy } from '../matrix/matrix-powers.ts';
import { type Rational, rationalOf } from '../matrix/rational.ts';
import type { BasisOptions, EigendecomposedOptions, RankDeficiencyOptions, RootInverseOptions } from '../options.ts';
import type { SharedOptions } from '../preconditioner.ts';
import { precisionFor, type RefreshMethod, writeIdentity } from './dimension.ts';

/** A root computed from the factor alone: `A^(-exponent)`, the identity before the first refresh. */
export function rootMethod(engine: MatrixEngine, options: RootInverseOptions, shared: SharedOptions): RefreshMethod {
  const base = {
    witness: 'root',
    keeps: (stack: number, n: number) => ({ root: [stack, n, n] }),
    start: ({ root }: Readonly<Record<string, Slot>>) => writeIdentity(engine, root as Slot),
  };
  if (options.method === 'eigen') {
    const precision = (n: number) => precisionFor(options.decompositionPrecision, n);
    return {
      ...base,
      scratch: (frame, stack, n) => inverseRootScratch(frame, [stack, n], precision(n)),
      compute({ next, status, scratch }, exponent) {
        const [, n] = scratch.matrix.shape as [number, number];
        inverseRoot(
          engine,
          { root: next['root'] as Slot, status, scratch: scratch as InverseRootScratch },
          {
            exponent,
            epsilon: shared.epsilon,
            rankDeficiency: ruleOf(engine, options.rankDeficiency, n),
            precision: precision(n),
          },
        );
      },
    };
  }
  return {
    ...base,
    scratch: (frame, stack, n) => coupledScratch(frame, [stack, n]),
    compute({ next, status, scratch }, exponent) {
      const slots = { root: next['root'] as Slot, status, scratch: scratch as CoupledScratch };
      // Options were checked: every exponent is such a fraction.
      const fraction = { exponent: rationalOf(exponent) as Rational };
      if (options.method === 'coupled-newton')
        coupledNewton(engine, slots, {
          ...options,
          ...fraction,
          epsilon: shared.epsilon,
          trusting: shared.compatibility === 'reference',
        });
      else coupledHigherOrder(engine, slots, { ...options, ...fraction });
    },
  };
}

/** Scratch of a basis, and of the root that is made of it. */
interface DecomposedScratch extends EigenbasisScratch {
  readonly powers: Slot;
}

/**
 * An eigenbasis that is kept, its eigenvalues, and the root that they make: `A^(-exponent)`. Before the first refresh the basis is the identity, with
 * eigenvalues of 1 that go through the rule for rank-deficient matrices as all others do.
 */
export function decomposedMethod(
  engine: MatrixEngine,
  options: EigendecomposedOptions,
  shared: SharedOptions,
): RefreshMethod<DecomposedScratch> {
  const { epsilon } = shared;
  const how = (n: number) =>
    basisOptions(options, shared, {
      shift: shiftBefore({ epsilon, rankDeficiency: ruleOf(engine, options.rankDeficiency, n) }),
      n,
    });
  return {
    witness: 'root',
    keeps: (stack, n) => ({ root: [stack, n, n], vectors: [stack, n, n], values: [stack, n] }),
    scratch: (frame, stack, n) => ({ ...eigenbasisScratch(frame, [stack, n], how(n)), powers: frame.allocate([stack, n]) }),
    compute({ next, previous, status, scratch }, exponent) {
      const n = scratch.matrix.shape[1] as number;
      const { root, vectors, values } = next as Readonly<Record<'root' | 'vectors' | 'values', Slot>>;
      eigenbasis(engine, { previous: previous['vectors'] as Slot, vectors, values, status, scratch }, how(n));
      copy(engine, scratch.turned, vectors);
      copy(engine, scratch.powers, values);
      const rankDeficiency = ruleOf(engine, options.rankDeficiency, n);
      rootOfSpectrum(engine, { root, vectors: scratch.turned, values: scratch.powers }, { exponent, epsilon, rankDeficiency });
    },
    start(kept, exponent) {
      const { root, vectors, values } = kept as Readonly<Record<'root' | 'vectors' | 'values', Slot>>;
      const powers = new Float64Array(engine.values(values).fill(1));
      const [stack, n] = values.shape as [number, number];
      for (let member = 0; member < stack; member++)
        spectrumPower(powers.subarray(member * n, (member + 1) * n), {
          exponent,
          epsilon,
          rankDeficiency: ruleOf(engine, options.rankDeficiency, n),
        });
      writeIdentity(engine, vectors);
      writeIdentity(engine, root, (i) => powers[i] as number);
    },
  };
}

/** Scratch of a basis whose eigenvalues nobody keeps. */
interface BasisScratch extends EigenbasisScratch {
  readonly values: Slot;
}

/** An eigenbasis alone, the identity before the first refresh. */
export function basisMethod(
  engine: MatrixEngine,
  options: BasisOptions & { readonly rankDeficiency: RankDeficiencyOptions },
  shared: SharedOptions,
): RefreshMethod<BasisScratch> {
  const how = (n: number) =>
    basisOptions(options, shared, {
      shift: shiftBefore({ epsilon: shared.epsilon, rankDeficiency: ruleOf(engine, options.rankDeficiency, n) }),
      n,
    });
  return {
    witness: 'vectors',
    keeps: (stack, n) => ({ vectors: [stack, n, n] }),
    scratch: (frame, stack, n) => ({ ...eigenbasisScratch(frame, [stack, n], how(n)), values: frame.allocate([stack, n]) }),
    compute({ next, previous, status, scratch }) {
      const [vectors, old] = [next['vectors'] as Slot, previous['vectors'] as Slot];
      eigenbasis(engine, { previous: old, vectors, values: scratch.values, status, scratch }, how(vectors.shape[1] as number));
    },
    start: ({ vectors }) => writeIdentity(engine, vectors as Slot),
  };
}

const basisOptions = (
  options: BasisOptions,
  { compatibility }: SharedOptions,
  { shift, n }: { readonly shift: number; readonly n: number },
): EigenbasisOptions => {
  const asReference = compatibility === 'reference';
  const shared = { shift, tolerance: options.tolerance, cancelling: asReference };
  if (options.method === 'qr')
    return { ...shared, method: 'qr', maxIterations: options.maxIterations, largestFirst: !asReference };
  const precision: Precision = precisionFor(options.decompositionPrecision, n);
  return { ...shared, method: 'eigh', precision };
};

/** The rule as the engine takes it; a relative tolerance of null means rounding: order times machine epsilon. */
const ruleOf = ({ machineEpsilon }: MatrixEngine, rule: RankDeficiencyOptions, n: number): RankDeficiency =>
  rule.type === 'perturbation'
    ? { type: 'perturbation', before: rule.perturbBeforeComputation }
    : {
        type: 'pseudo-inverse',
        absoluteTolerance: rule.absoluteTolerance,
        relativeTolerance: rule.relativeTolerance ?? n * machineEpsilon,
      };
