import { expect, test } from 'vitest';
import { OptimizerError } from '../errors.ts';
import { parseOptions, type ShampooInput } from '../options.ts';
import { checkOrders } from './orders.ts';
import { makePlan } from './plan.ts';

/** Plans parameters, all of one group or of the one that is said, and checks the plan. */
function check(input: ShampooInput, shapes: Readonly<Record<string, readonly number[]>>, group = 0): void {
  const options = parseOptions(input);
  const merge = (options.groups[group] as (typeof options.groups)[number]).options;
  const work = { factored: false, preconditionFrequency: 1 };
  const parameters = Object.entries(shapes).map(([name, shape]) => ({ name, shape, group, merge, work }));
  checkOrders(makePlan(parameters, { ranks: 2, cost: options.cost }), options);
}

function refusal(...parameters: Parameters<typeof check>): OptimizerError {
  try {
    check(...parameters);
  } catch (error) {
    if (error instanceof OptimizerError) return error;
    throw error;
  }
  throw new Error('accepted');
}

const muon = { preconditioner: { type: 'spectral-descent' } } as const;

test('matrices, kernels that merge to matrices, and parameters of no element pass', () => {
  check(muon, { dense: [10, 20], kernel: [3, 3, 16, 32], wide: [1, 5000, 1, 7], empty: [0, 4], nothing: [0] });
  check({ grafting: { type: 'spectral-descent' }, targetParameterDimensionality: 2 }, { dense: [10, 20] });
  check({}, { dense: [10, 20], bias: [20], scalar: [], cube: [2000, 2000, 2] });
});

test.each([
  ['vector', [20], '[20]', '[20]'],
  ['vector among ones', [1, 20, 1], '[1,20,1]', '[20]'],
  ['scalar', [], '[]', '[1]'],
])('a %s is refused by its name', (_, shape, whole, block) => {
  const { code, message, details } = refusal(muon, { dense: [10, 20], 'head/bias': shape });
  expect(code).toBe('bad-option');
  expect(message).toBe(
    `preconditioner: spectral-descent takes blocks of order 2, and "head/bias" of shape ${whole} has blocks of shape ${block}. ` +
      'Give vectors a group of their own: groups: [{ parameters: "vectors", options: { ... } }].',
  );
  expect(details).toEqual({ path: ['preconditioner'], name: 'head/bias', shape: JSON.parse(block) });
});

test('a kernel too large to merge is refused by its name, and passes with a higher bound', () => {
  const { message } = refusal({ ...muon, maxPreconditionerDim: 100 }, { kernel: [3, 50, 70] });
  expect(message).toMatch(
    /^preconditioner: .*"kernel" of shape \[3,50,70\] has blocks of shape \[3,50,70\]\. Raise maxPreconditionerDim, now 100, up to "infinity"/,
  );
  check({ ...muon, maxPreconditionerDim: 150 }, { kernel: [3, 50, 70] });
  check({ ...muon, maxPreconditionerDim: 'infinity' }, { kernel: [3, 50, 70] });
});

test('as grafting, and in a group, under their paths', () => {
  expect(refusal({ grafting: { type: 'spectral-descent' }, targetParameterDimensionality: 2 }, { bias: [3] }).message).toMatch(
    /^grafting: spectral-descent takes blocks of order 2, and "bias"/,
  );
  expect(refusal({ groups: [{ parameters: ['bias'], options: muon }] }, { bias: [3] }, 1).details).toMatchObject({
    path: ['groups', '0', 'options', 'preconditioner'],
  });
});
