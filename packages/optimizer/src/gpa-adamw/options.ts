import { z } from 'zod';
import { parse, parseGiven } from '../check-options.ts';
import { type Members, members } from '../group-members.ts';

/** How the average X of the iterates Z is formed, and where between them gradients are taken. */
const iterateAveraging = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('gpa'),
    evalInterpolation: z.number().min(0).lte(1).default(0.9967),
    trainInterpolation: z.number().gt(0).lte(1).default(0.7),
  }),
  z.strictObject({
    type: z.literal('schedule-free'),
    trainInterpolation: z.number().gt(0).lte(1).default(0.7),
    evalStepPower: z.number().min(0).default(0),
    evalLearningRatePower: z.number().min(0).default(2),
  }),
]);

const beta = z.number().min(0).lt(1);

/** What a group of parameters may have of its own. */
const perGroup = {
  learningRate: z.number().min(0).default(1),
  betas: z.tuple([beta, beta]).default([0.9, 0.999]),
  epsilon: z.number().min(0).default(1e-8),
  weightDecay: z.number().min(0).default(0),
  weightDecayOn: z.enum(['z', 'y']).default('z'),
  iterateAveraging: iterateAveraging.default(() => iterateAveraging.parse({ type: 'gpa' })),
};

const groupTable = z.strictObject(perGroup);

const table = z.strictObject({
  ...perGroup,
  /** `reference` brings back what the reference does where the default is better; the package's README lists it. */
  compatibility: z.enum(['default', 'reference']).default('default'),
  groups: z.array(z.strictObject({ parameters: members, options: z.record(z.string(), z.unknown()) })).default([]),
});

/** The options as a user writes them: JSON values, every one optional. */
export type GpaAdamWInput = z.input<typeof table>;

/** Options of one group, defaults filled in. */
export type GpaAdamWGroup = z.output<typeof groupTable>;

/** All options. `groups[0]` holds every parameter that no other group names. */
export interface GpaAdamWOptions {
  readonly groups: readonly { readonly members: Members | 'rest'; readonly options: GpaAdamWGroup }[];
  readonly compatibility: 'default' | 'reference';
  /** What the user wrote, for `getConfig`. */
  readonly input: GpaAdamWInput;
}

/**
 * Checks options and fills in defaults.
 *
 * @throws {OptimizerError} `bad-option`: the path, the rule, what was found.
 */
export function parseGpaAdamWOptions(input: GpaAdamWInput): GpaAdamWOptions {
  const { groups, compatibility, ...shared } = parse(table, input, []);
  const own = groups.map(({ parameters, options }, index) => ({
    members: parameters,
    options: { ...shared, ...parseGiven(groupTable.partial(), options, ['groups', index, 'options']) },
  }));
  return { groups: [{ members: 'rest', options: shared }, ...own], compatibility, input };
}
