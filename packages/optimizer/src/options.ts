import { graftingOptions, preconditionerOptions, requiredOrder } from '@distributed-shampoo/preconditioner';
import { z } from 'zod';
import { type Path, parse, parseGiven, refuse } from './check-options.ts';
import { type Members, members } from './group-members.ts';

/** A number, or "infinity": options are JSON values. */
const extended = <T extends z.ZodNumber>(schema: T) => z.union([schema, z.literal('infinity').transform(() => Infinity)]);

const iterateAveraging = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('momentum'),
    momentum: z.number().gt(0).lt(1).default(0.5),
    dampening: z.number().min(0).lt(1).default(0),
    nesterov: z.boolean().default(false),
  }),
  z.strictObject({
    type: z.literal('gpa'),
    evalInterpolation: z.number().min(0).lt(1).default(0.9),
    trainInterpolation: z.number().gt(0).lte(1).default(0.8),
  }),
  z.strictObject({
    type: z.literal('schedule-free'),
    trainInterpolation: z.number().gt(0).lte(1).default(0.8),
    evalLearningRatePower: z.number().min(0).default(2),
  }),
]);

/** What a group of parameters may have of its own. */
const perGroup = {
  learningRate: z.number().min(0).default(0.01),
  betas: z.tuple([z.number().min(0).lt(1), z.number().min(0).lte(1)]).default([0.9, 1]),
  beta3: z.union([z.literal(-1), z.number().min(0).lt(1)]).default(-1),
  epsilon: z.number().min(0).default(1e-12),
  weightDecay: z.number().min(0).default(0),
  weightDecayType: z.enum(['l2', 'decoupled', 'corrected', 'independent']).default('decoupled'),
  peakLearningRate: z.number().min(0).nullable().default(null),
  maxPreconditionerDim: extended(z.int().min(1)).default(1024),
  targetParameterDimensionality: extended(z.int().min(1)).default(1),
  mergeDirection: z.enum(['leading', 'trailing']).default('leading'),
  preconditionFrequency: z.int().min(1).default(1),
  startPreconditioningStep: extended(z.int().min(-1)).default(-1),
  useBiasCorrection: z.boolean().default(true),
  iterateAveraging: iterateAveraging.nullable().default(null),
  grafting: graftingOptions.nullable().default(null),
  preconditioner: preconditionerOptions.default(() => preconditionerOptions.parse({ type: 'root-inverse' })),
  refresh: z.enum(['together', 'staggered', 'background']).default('together'),
};

const cost = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('arithmetic') }),
  z.strictObject({ type: z.literal('memory'), alignment: z.int().min(1).default(64) }),
  z.strictObject({
    type: z.literal('polynomial'),
    coefficients: z.array(z.number()).min(1),
    minimum: z.number().min(0).default(0),
  }),
]);

const table = z.strictObject({
  ...perGroup,
  cost: cost.default({ type: 'arithmetic' }),
  /** `reference` brings back what the reference does where the default is better; the package's README lists it. */
  compatibility: z.enum(['default', 'reference']).default('default'),
  groups: z.array(z.strictObject({ parameters: members, options: z.record(z.string(), z.unknown()) })).default([]),
});

const groupTable = z.strictObject(perGroup);

/** The options as a user writes them: JSON values, every one optional. */
export type ShampooInput = z.input<typeof table>;

/** Options of one group, defaults filled in and values resolved: no -1, no null, no "infinity". */
export interface GroupOptions extends Omit<z.output<typeof groupTable>, 'beta3' | 'peakLearningRate'> {
  readonly beta3: number;
  readonly peakLearningRate: number;
}

/** All options, resolved. `groups[0]` holds every parameter that no other group names. */
export interface ShampooOptions {
  readonly groups: readonly { readonly members: Members | 'rest'; readonly options: GroupOptions }[];
  readonly cost: z.output<typeof cost>;
  readonly compatibility: 'default' | 'reference';
  /** What the user wrote, for `getConfig`. */
  readonly input: ShampooInput;
}

/**
 * Checks options and fills in defaults.
 *
 * @throws {OptimizerError} `bad-option`: the path, what was found, the rule, and the remedy where it is not the rule itself.
 */
export function parseOptions(input: ShampooInput): ShampooOptions {
  const { groups, cost: costModel, compatibility, ...shared } = parse(table, input, []);
  const resolvedGroups = groups.map(({ parameters, options }, index) => {
    const path = ['groups', index, 'options'];
    const own = parseGiven(groupTable.partial(), options, path);
    return { members: parameters, options: resolve({ ...shared, ...own }, shared.learningRate, path) };
  });
  return {
    groups: [{ members: 'rest', options: resolve(shared, shared.learningRate, []) }, ...resolvedGroups],
    cost: costModel,
    compatibility,
    input,
  };
}

/** 1 - 2^-8: an entry of 8 bits takes in a gradient's share where it is above half of its last bit. */
const LARGEST_BETA2_OF_BFLOAT16 = 1 - 2 ** -8;

/** Turns special values into what they stand for and checks what concerns several options at once. */
function resolve(asked: z.output<typeof groupTable>, constructorRate: number, path: Path): GroupOptions {
  const group = { ...asked, ...forced(asked) };
  const { preconditioner, weightDecayType, weightDecay } = group;
  const startPreconditioningStep =
    group.startPreconditioningStep === -1 ? group.preconditionFrequency : group.startPreconditioningStep;
  if (startPreconditioningStep < group.preconditionFrequency) {
    refuse(
      [...path, 'startPreconditioningStep'],
      `is ${startPreconditioningStep}, below preconditionFrequency ${group.preconditionFrequency}. Raise it, or leave it at -1`,
    );
  }
  const peakLearningRate = group.peakLearningRate ?? constructorRate;
  if (weightDecay !== 0 && (weightDecayType === 'corrected' || weightDecayType === 'independent') && !(peakLearningRate > 0)) {
    refuse(
      [...path, 'peakLearningRate'],
      `is ${peakLearningRate}, and weightDecayType ${weightDecayType} divides by it. Give a positive one`,
    );
  }
  const pseudoInverse = 'rankDeficiency' in preconditioner && preconditioner.rankDeficiency.type === 'pseudo-inverse';
  const order = group.grafting === null ? null : requiredOrder(group.grafting);
  if (order !== null && group.targetParameterDimensionality !== order) {
    refuse(
      [...path, 'targetParameterDimensionality'],
      `is ${group.targetParameterDimensionality}, and grafting ${group.grafting?.type} takes blocks of order ${order}. Set it to ${order}, and give vectors a group of their own`,
    );
  }
  if (
    'factorStorage' in preconditioner &&
    preconditioner.factorStorage === 'bfloat16' &&
    group.betas[1] > LARGEST_BETA2_OF_BFLOAT16
  ) {
    refuse(
      [...path, 'preconditioner', 'factorStorage'],
      `is "bfloat16", and betas.1 is ${group.betas[1]}: above ${LARGEST_BETA2_OF_BFLOAT16} what a gradient adds to an entry is lost in rounding. Take "packed", or a smaller one`,
    );
  }
  if (pseudoInverse && group.epsilon !== 0) {
    refuse(
      [...path, 'epsilon'],
      `is ${group.epsilon}, and rankDeficiency pseudo-inverse needs exactly 0: it drops small eigenvalues instead of raising them`,
    );
  }
  if (!pseudoInverse && !(group.epsilon > 0)) refuse([...path, 'epsilon'], `is ${group.epsilon}, and must be above 0`);
  return { ...group, startPreconditioningStep, peakLearningRate, beta3: group.beta3 === -1 ? group.betas[0] : group.beta3 };
}

/**
 * What a method settles by itself: signs and orthogonal factors have no statistics to refresh, and the latter are of matrices. `startPreconditioningStep` stays as it was asked for.
 */
function forced({ preconditioner }: z.output<typeof groupTable>): Partial<z.output<typeof groupTable>> {
  if (preconditioner.type !== 'sign-descent' && preconditioner.type !== 'spectral-descent') return {};
  const order = requiredOrder(preconditioner);
  return { preconditionFrequency: 1, ...(order !== null && { targetParameterDimensionality: order }) };
}
