import { z } from 'zod';

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

/** Order of a block (as text) to the exponent of all its dimensions, or to a map from dimension to exponent. 0 leaves a dimension alone. */
const inverseExponent = z
  .record(z.string().regex(/^\d+$/), z.union([z.number().min(0), z.record(z.string().regex(/^\d+$/), z.number().min(0))]))
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

const rootInverse = z.strictObject({
  type: z.literal('root-inverse'),
  method: z.literal('eigen').default('eigen'),
  rankDeficiency: rankDeficiency.default({ type: 'perturbation', perturbBeforeComputation: true }),
  inverseExponent: inverseExponent.default({}),
  dropWeightingFactor: z.boolean().default(false),
  traceScaling: z.boolean().default(false),
  traceScalingExponent: z.number().gt(0).lte(1).default(0.5),
  toleratedFailures: z.int().min(0).default(3),
  /** The reference's storage of factors; here one triangle of each is kept, either way, so that values don't depend on it. */
  symmetricPacking: z.boolean().default(true),
  /** A decomposition in float64 costs 1.5 to 1.8 times one in float32; `auto` takes it up to order 128, where that is under a millisecond. */
  decompositionPrecision: z.enum(['float32', 'float64', 'auto']).default('auto'),
});

/** Methods without Kronecker factors: main preconditioners that may serve as grafting too. */
export const graftingOptions = z.discriminatedUnion('type', [sgd, adagrad, rmsprop, adam]);

/** Every main preconditioner. A new one adds its schema here and a line in `table.ts`. */
export const preconditionerOptions = z.discriminatedUnion('type', [rootInverse, sgd, adagrad, rmsprop, adam]);

/** A grafted method's options, defaults filled in. */
export type GraftingOptions = z.output<typeof graftingOptions>;
/** A main preconditioner's options, defaults filled in. */
export type PreconditionerOptions = z.output<typeof preconditionerOptions>;
/** Root-inverse Shampoo's options, defaults filled in. */
export type RootInverseOptions = z.output<typeof rootInverse>;
/** The same as a user writes them. */
export type PreconditionerInput = z.input<typeof preconditionerOptions>;
/** A grafted method's options as a user writes them. */
export type GraftingInput = z.input<typeof graftingOptions>;
