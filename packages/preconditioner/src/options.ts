import { z } from 'zod';
import { factorStorages } from './kronecker/factor-storage.ts';
import { rationalOf } from './matrix/rational.ts';

/** beta2 of a grafted method: the decay of its second moments. */
const decay = z.number().gt(0).lte(1);
const positive = z.number().positive();

/**
 * rmsprop and adam: a weight of 1 - beta2 would be 0 at beta2 = 1, the second moments would stay 0 and the first step divide by epsilon
 * alone.
 */
const secondMoments = { beta2: decay, epsilon: positive.default(1e-10), dropWeightingFactor: z.boolean().default(false) };
const weighted = <T extends z.ZodType<{ beta2: number; dropWeightingFactor: boolean }>>(schema: T) =>
  schema.refine(({ beta2, dropWeightingFactor }) => beta2 < 1 || dropWeightingFactor, {
    path: ['beta2'],
    message: 'must be below 1: at 1 the second moments never move. Use adagrad, or dropWeightingFactor: true, to sum squares',
  });

const sgd = z.strictObject({ type: z.literal('sgd') });
const adagrad = z.strictObject({ type: z.literal('adagrad'), epsilon: positive.default(1e-10) });
const rmsprop = weighted(z.strictObject({ type: z.literal('rmsprop'), ...secondMoments, beta2: decay.default(0.99) }));
const adam = weighted(z.strictObject({ type: z.literal('adam'), ...secondMoments, beta2: decay.default(0.999) }));

/** What a factor's rank deficiency means for its root. */
const rankDeficiency = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('perturbation'), perturbBeforeComputation: z.boolean().default(true) }),
  z.strictObject({
    type: z.literal('pseudo-inverse'),
    absoluteTolerance: z.number().min(0).default(0),
    relativeTolerance: z.number().min(0).nullable().default(0),
  }),
]);

/** A whole number as text, as it is written: "02" would never be found. */
const wholeNumber = z.string().regex(/^(0|[1-9]\d*)$/, 'must be a whole number such as "2"');

/** Order of a block (as text) to the exponent of all its dimensions, or to a map from dimension to exponent. 0 leaves a dimension alone. */
const inverseExponent = z
  .record(wholeNumber, z.union([z.number().min(0), z.record(wholeNumber, z.number().min(0))]))
  .superRefine((byOrder, context) => {
    for (const [order, exponents] of Object.entries(byOrder)) {
      if (typeof exponents === 'number') continue;
      for (const dimension of Object.keys(exponents)) {
        if (Number(dimension) > Math.max(Number(order) - 1, 0)) {
          context.addIssue({
            code: 'custom',
            path: [order, dimension],
            message: `a block of order ${order} has no dimension ${dimension}`,
          });
        }
      }
    }
  });

/** What all methods with Kronecker factors have. */
const factors = {
  dropWeightingFactor: z.boolean().default(false),
  traceScaling: z.boolean().default(false),
  traceScalingExponent: z.number().gt(0).lte(1).default(0.5),
  toleratedFailures: z.int().min(0).default(3),
  /** The reference's storage of factors; here one triangle of each is kept, either way, so that values don't depend on it. */
  symmetricPacking: z.boolean().default(true),
  /** How factors are kept between steps: see `factor-storage.ts`. */
  factorStorage: z.enum(factorStorages).default('square'),
};

/** A decomposition in float64 costs 1.5 to 1.8 times one in float32; `auto` takes it up to order 128, where that is under a millisecond. */
const decompositionPrecision = z.enum(['float32', 'float64', 'auto']).default('auto');
const perturbation = { type: 'perturbation', perturbBeforeComputation: true } as const;
const share = z.number().min(0).max(1);

/** A method that is taken where none is named. */
const standard = <const Name extends string>(name: Name) =>
  z
    .literal(name)
    .optional()
    .transform((given) => given ?? name);

/** Eigendecomposition, and powers of the eigenvalues. */
const eigen = {
  method: standard('eigen'),
  rankDeficiency: rankDeficiency.default(perturbation),
  decompositionPrecision,
};
const coupledNewton = {
  method: z.literal('coupled-newton'),
  maxIterations: z.int().min(1).default(100),
  tolerance: z.number().min(0).default(1e-6),
};
/** No default would be right: the factor's own scale decides. */
const ownEpsilon = z
  .number({
    error: ({ input }) =>
      input === undefined ? "must be given: coupled-higher-order does not use the optimizer's epsilon" : undefined,
  })
  .min(0);
const coupledHigherOrder = {
  method: z.literal('coupled-higher-order'),
  relativeEpsilon: ownEpsilon,
  absoluteEpsilon: ownEpsilon,
  maxIterations: z.int().min(1).default(100),
  tolerance: z.number().min(0).default(1e-8),
  order: z.int().min(2).default(3),
};
/** A basis that is decomposed anew, but where the old one still nearly does. */
const eigh = {
  method: standard('eigh'),
  tolerance: share.default(0),
  decompositionPrecision,
};
/** A basis that follows by orthogonal iteration. */
const qr = {
  method: z.literal('qr'),
  maxIterations: z.int().min(0).default(1),
  tolerance: share.default(0),
};
const anyDeficiency = { rankDeficiency: rankDeficiency.default(perturbation) };
/** A pseudo-inverse has no meaning for a basis alone. */
const perturbed = { rankDeficiency: rankDeficiency.options[0].default(perturbation) };

/** The exponents that a coupled iteration can take: fractions of small numbers. */
const rationalExponents = inverseExponent.superRefine((byOrder, context) => {
  for (const [order, exponents] of Object.entries(byOrder)) {
    for (const [dimension, exponent] of typeof exponents === 'number'
      ? [[undefined, exponents] as const]
      : Object.entries(exponents)) {
      if (exponent === 0 || rationalOf(exponent) !== undefined) continue;
      context.addIssue({
        code: 'custom',
        path: dimension === undefined ? [order] : [order, dimension],
        message: 'must be a fraction of whole numbers up to 64 for a coupled iteration; method "eigen" takes any',
      });
    }
  }
});

const rooted = { ...factors, inverseExponent: inverseExponent.default({}) };
const rootedByFractions = { ...factors, inverseExponent: rationalExponents.default({}) };

/** Roots computed from the factors alone, under a type of their own. */
const rootsOfFactors = <const Type extends string>(name: Type) => {
  const type = z.literal(name);
  return z.discriminatedUnion('method', [
    z.strictObject({ type, ...rooted, ...eigen }),
    z.strictObject({ type, ...rootedByFractions, ...coupledNewton }),
    z.strictObject({ type, ...rootedByFractions, ...coupledHigherOrder }),
  ]);
};
const rootInverse = rootsOfFactors('root-inverse');
const klRootInverse = rootsOfFactors('kl-root-inverse');

/** Roots from an eigenbasis that is kept. */
const rootsOfBases = <const Type extends string>(name: Type) => {
  const type = z.literal(name);
  return z.discriminatedUnion('method', [
    z.strictObject({ type, ...rooted, ...anyDeficiency, ...eigh }),
    z.strictObject({ type, ...rooted, ...anyDeficiency, ...qr }),
  ]);
};
const eigendecomposed = rootsOfBases('eigendecomposed');
const klEigendecomposed = rootsOfBases('kl-eigendecomposed');

/** Order of a block (as text) to the dimensions whose basis stays as it is. */
const ignoredBasisChangeDims = z.record(wholeNumber, z.array(z.int().min(0))).superRefine((byOrder, context) => {
  for (const [order, dimensions] of Object.entries(byOrder)) {
    const wrong = dimensions.find((dimension) => dimension > Math.max(Number(order) - 1, 0));
    if (wrong !== undefined)
      context.addIssue({ code: 'custom', path: [order], message: `a block of order ${order} has no dimension ${wrong}` });
    if (new Set(dimensions).size < dimensions.length)
      context.addIssue({ code: 'custom', path: [order], message: 'must name each dimension once' });
  }
});
const corrected = {
  ...factors,
  ignoredBasisChangeDims: ignoredBasisChangeDims.default({}),
  /** Order of a block (as text) to the exponent of its second moments, 1/2 where it has none. */
  inverseExponent: z.record(wholeNumber, positive).default({}),
  ...perturbed,
};
const eigenvalueCorrected = z.discriminatedUnion('method', [
  z.strictObject({ type: z.literal('eigenvalue-corrected'), ...corrected, ...eigh }),
  z.strictObject({ type: z.literal('eigenvalue-corrected'), ...corrected, ...qr }),
]);

const signDescent = z.strictObject({
  type: z.literal('sign-descent'),
  /** What signs are multiplied by: a number, or `l1`, the sum of the filtered gradient's magnitudes. */
  scale: z.union([z.number(), z.literal('l1')]).default(1),
});

/** What an orthogonalised matrix is multiplied by: a number, or the root of its outputs over its inputs. */
const scaleByDims = z.union([z.number(), z.literal('sqrt-outputs-over-inputs')]).default(1);
const spectralDescent = z.discriminatedUnion('method', [
  z.strictObject({
    type: z.literal('spectral-descent'),
    method: standard('newton-schulz'),
    iterations: z.int().min(0).default(5),
    coefficients: z.tuple([z.number(), z.number(), z.number()]).default([3.4445, -4.775, 2.0315]),
    scaleByDims,
  }),
  z.strictObject({
    type: z.literal('spectral-descent'),
    method: z.literal('svd'),
    scaleByNuclearNorm: z.boolean().default(false),
    scaleByDims,
  }),
]);

const simple = [sgd, adagrad, rmsprop, adam, signDescent, spectralDescent] as const;

/** Methods without Kronecker factors: main preconditioners that may serve as grafting too. */
export const graftingOptions = z.discriminatedUnion('type', simple, {
  error: ({ code }) =>
    code === 'invalid_union'
      ? "must be 'sgd' | 'adagrad' | 'rmsprop' | 'adam' | 'sign-descent' | 'spectral-descent'; what has Kronecker factors cannot be grafted on"
      : undefined,
});

/** Every main preconditioner. A new one adds its schema here and a line in `table.ts`. */
export const preconditionerOptions = z.discriminatedUnion('type', [
  rootInverse,
  eigendecomposed,
  eigenvalueCorrected,
  klRootInverse,
  klEigendecomposed,
  ...simple,
]);

/** A grafted method's options, defaults filled in. */
export type GraftingOptions = z.output<typeof graftingOptions>;
/** A main preconditioner's options, defaults filled in. */
export type PreconditionerOptions = z.output<typeof preconditionerOptions>;
/** The same as a user writes them. */
export type PreconditionerInput = z.input<typeof preconditionerOptions>;
/** A grafted method's options as a user writes them. */
export type GraftingInput = z.input<typeof graftingOptions>;

/** Options of Shampoo with roots that are computed from factors alone, defaults filled in. */
export type RootInverseOptions = z.output<typeof rootInverse> | z.output<typeof klRootInverse>;
/** Options of Shampoo with roots from an eigenbasis that is kept. */
export type EigendecomposedOptions = z.output<typeof eigendecomposed> | z.output<typeof klEigendecomposed>;
/** Options of SOAP. */
export type EigenvalueCorrectedOptions = z.output<typeof eigenvalueCorrected>;
export type SignDescentOptions = z.output<typeof signDescent>;
export type SpectralDescentOptions = z.output<typeof spectralDescent>;
/** What becomes of eigenvalues that are not above 0. */
export type RankDeficiencyOptions = z.output<typeof rankDeficiency>;
/** The order that every block must have; null where any will do. */
export const requiredOrder = ({ type }: PreconditionerOptions | GraftingOptions): number | null =>
  type === 'spectral-descent' ? 2 : null;
/** How an eigenbasis is brought up to date. */
export type BasisOptions =
  | Pick<Extract<EigenvalueCorrectedOptions, { method: 'eigh' }>, keyof typeof eigh>
  | Pick<Extract<EigenvalueCorrectedOptions, { method: 'qr' }>, keyof typeof qr>;
