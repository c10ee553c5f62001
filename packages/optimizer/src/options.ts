import { graftingOptions, preconditionerOptions } from '@distributed-shampoo/preconditioner';
import { z } from 'zod';
import { OptimizerError } from './errors.ts';

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

/** Which parameters a group has: names, indices, or all that are vectors (at most one dimension above 1). */
const members = z.union([z.array(z.string()).min(1), z.array(z.int().min(0)).min(1), z.literal('vectors')]);

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
  readonly groups: readonly { readonly members: z.output<typeof members> | 'rest'; readonly options: GroupOptions }[];
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
    const own = parse(groupTable.partial(), options, ['groups', index, 'options']);
    const given = Object.fromEntries(Object.entries(own).filter(([key]) => key in options));
    return { members: parameters, options: resolve({ ...shared, ...given }, shared.learningRate, ['groups', index, 'options']) };
  });
  return {
    groups: [{ members: 'rest', options: resolve(shared, shared.learningRate, []) }, ...resolvedGroups],
    cost: costModel,
    compatibility,
    input,
  };
}

type Path = readonly PropertyKey[];

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
  if (group.grafting?.type === 'spectral-descent' && group.targetParameterDimensionality !== 2) {
    refuse(
      [...path, 'targetParameterDimensionality'],
      `is ${group.targetParameterDimensionality}, and spectral descent takes matrices. Set it to 2, and give vectors a group of their own`,
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
function forced({ preconditioner: { type } }: z.output<typeof groupTable>): Partial<z.output<typeof groupTable>> {
  if (type === 'sign-descent') return { preconditionFrequency: 1 };
  if (type === 'spectral-descent') return { preconditionFrequency: 1, targetParameterDimensionality: 2 };
  return {};
}

function parse<T extends z.ZodType>(schema: T, input: unknown, path: Path): z.output<T> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const issue = firstIssue(result.error.issues);
  // A method that may be left out shows as a choice of `undefined`.
  const rule = issue.message.replace(/'undefined' \| /, '');
  throw refusal([...path, ...issue.path], `${rule}${describe(valueAt(input, issue.path))}`);
}

/** Of a union that failed, the branch that came furthest is the one that was meant. */
function firstIssue(issues: readonly z.core.$ZodIssue[]): { path: Path; message: string } {
  const [issue] = issues as [z.core.$ZodIssue];
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return issue;
  const branches = issue.errors.map((branch) => firstIssue(branch)).sort((a, b) => b.path.length - a.path.length);
  const deepest = branches[0] as { path: Path; message: string };
  return {
    path: [...issue.path, ...deepest.path],
    message: deepest.path.length > 0 ? deepest.message : branches.map(({ message }) => message).join(', or '),
  };
}

const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? (inner as Record<PropertyKey, unknown>)[key] : undefined),
    value,
  );

/** Longer values would bury the sentence. */
const LONGEST_SHOWN = 60;

function describe(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return text === undefined || text.length > LONGEST_SHOWN ? '' : ` (got ${text})`;
}

function refuse(path: Path, rest: string): never {
  throw refusal(path, rest);
}

const refusal = (path: Path, rest: string): OptimizerError => {
  const name = path.map(String).join('.') || 'options';
  return new OptimizerError('bad-option', `${name}: ${rest}.`, { path: path.map(String) });
};
