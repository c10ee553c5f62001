import { describe, expect, test } from 'vitest';
import { OptimizerError } from './errors.ts';
import { parseOptions, type ShampooInput } from './options.ts';

const refusal = (options: unknown): OptimizerError => {
  try {
    parseOptions(options as ShampooInput);
  } catch (error) {
    if (error instanceof OptimizerError) return error;
    throw error;
  }
  throw new Error(`accepted ${JSON.stringify(options)}`);
};

test.each([
  [{ learningRate: -1 }, 'learningRate', '-1'],
  [{ learningRate: Number.NaN }, 'learningRate', 'NaN'],
  [{ typo: 1 }, '', 'typo'],
  [{ preconditioner: { type: 'root-inverse', factorStorage: 'bfloat16' } }, 'preconditioner.factorStorage', 'betas.1 is 1'],
  [{ betas: [0.9, 2] }, 'betas.1', '2'],
  [{ betas: [1, 0.9] }, 'betas.0', '1'],
  [{ beta3: 1 }, 'beta3', '1'],
  [{ epsilon: 0 }, 'epsilon', '0'],
  [{ maxPreconditionerDim: 0 }, 'maxPreconditionerDim', '0'],
  [{ maxPreconditionerDim: 2.5 }, 'maxPreconditionerDim', '2.5'],
  [{ maxPreconditionerDim: 'huge' }, 'maxPreconditionerDim', 'huge'],
  [{ preconditionFrequency: 0 }, 'preconditionFrequency', '0'],
  [{ startPreconditioningStep: 2, preconditionFrequency: 3 }, 'startPreconditioningStep', '2'],
  [{ weightDecay: -0.1 }, 'weightDecay', '-0.1'],
  [{ weightDecay: 0.1, weightDecayType: 'corrected', learningRate: 0 }, 'peakLearningRate', '0'],
  [{ preconditioner: { type: 'nonsense' } }, 'preconditioner.type', 'nonsense'],
  [{ preconditioner: { type: 'root-inverse', method: 'nonsense' } }, 'preconditioner.method', 'nonsense'],
  [
    { preconditioner: { type: 'root-inverse', inverseExponent: { 2: { 5: 1 } } } },
    'preconditioner.inverseExponent.2.5',
    'dimension 5',
  ],
  [{ preconditioner: { type: 'root-inverse', rankDeficiency: { type: 'pseudo-inverse' } } }, 'epsilon', '1e-12'],
  [{ grafting: { type: 'adam', beta2: 1 } }, 'grafting.beta2', '1'],
  [{ grafting: { type: 'root-inverse' } }, 'grafting.type', 'root-inverse'],
  [{ groups: [{ parameters: 'vectors', options: { typo: 1 } }] }, 'groups.0.options', 'typo'],
  [{ groups: [{ parameters: [], options: {} }] }, 'groups.0.parameters', '[]'],
  [{ groups: [{ parameters: 'vectors', options: { groups: [] } }] }, 'groups.0.options', 'groups'],
] as const)('%j is refused at %s', (options, path, value) => {
  const error = refusal(options);
  expect(error.code).toBe('bad-option');
  expect((error.details.path as string[]).join('.')).toBe(path);
  expect(error.message).toContain(value);
  expect(error.message.split('\n')).toHaveLength(1);
});

const kroneckerTypes = [
  'root-inverse',
  'kl-root-inverse',
  'eigendecomposed',
  'kl-eigendecomposed',
  'eigenvalue-corrected',
] as const;
const graftable = "'sgd' | 'adagrad' | 'rmsprop' | 'adam' | 'sign-descent' | 'spectral-descent'";

describe('combinations that cannot work are refused with their value, the rule, and what to do', () => {
  test.each(kroneckerTypes)('a pseudo-inverse beside epsilon: %s', (type) => {
    const error = refusal({ preconditioner: { type, rankDeficiency: { type: 'pseudo-inverse' } } });
    expect(error.message).toBe(
      type === 'eigenvalue-corrected'
        ? 'preconditioner.rankDeficiency.type: must be "perturbation" (got "pseudo-inverse").'
        : 'epsilon: is 1e-12, and rankDeficiency pseudo-inverse needs exactly 0: it drops small eigenvalues instead of raising them.',
    );
    const alone = { epsilon: 0, preconditioner: { type, rankDeficiency: { type: 'pseudo-inverse' } } };
    if (type !== 'eigenvalue-corrected') expect(() => parseOptions(alone as ShampooInput)).not.toThrow();
    // The other way round: nothing raises eigenvalues of 0.
    expect(refusal({ epsilon: 0, preconditioner: { type } }).message).toBe('epsilon: is 0, and must be above 0.');
  });

  test.each([
    { method: 'coupled-newton' },
    { method: 'coupled-higher-order', relativeEpsilon: 0, absoluteEpsilon: 1e-6 },
  ] as const)('an exponent that is no small fraction: $method', (method) => {
    for (const type of ['root-inverse', 'kl-root-inverse']) {
      for (const [inverseExponent, where] of [
        [{ 2: 0.123456 }, '2'],
        [{ 2: { 1: 0.123456 } }, '2.1'],
        [{ 1: Math.SQRT1_2 }, '1'],
        [{ 3: { 0: 0.25, 2: 65 } }, '3.2'],
      ] as const) {
        const { message } = refusal({ preconditioner: { type, ...method, inverseExponent } });
        expect(message).toMatch(
          new RegExp(`^preconditioner.inverseExponent.${where}: must be a fraction of .* up to 64 .*; method "eigen" takes any`),
        );
      }
      for (const exponent of [0, 0.3, 0.75, 1 / 3, 2 / 7, 64, 1 / 64])
        expect(() =>
          parseOptions({ preconditioner: { type, ...method, inverseExponent: { 2: exponent } } } as ShampooInput),
        ).not.toThrow();
    }
  });

  test.each(kroneckerTypes)('%s to graft on', (type) => {
    expect(refusal({ grafting: { type } }).message).toBe(
      `grafting.type: must be ${graftable}; what has Kronecker factors cannot be grafted on (got "${type}").`,
    );
  });

  test.each([
    ['root-inverse', 'eigh', "'eigen' | 'coupled-newton' | 'coupled-higher-order'"],
    ['kl-root-inverse', 'qr', "'eigen' | 'coupled-newton' | 'coupled-higher-order'"],
    ['eigendecomposed', 'coupled-newton', "'eigh' | 'qr'"],
    ['kl-eigendecomposed', 'eigen', "'eigh' | 'qr'"],
    ['eigenvalue-corrected', 'eigen', "'eigh' | 'qr'"],
    ['spectral-descent', 'eigh', "'newton-schulz' | 'svd'"],
  ])('a method of another type: %s by %s', (type, method, choices) => {
    expect(refusal({ preconditioner: { type, method } }).message).toBe(
      `preconditioner.method: must be ${choices} (got "${method}").`,
    );
  });

  test.each([
    [{ type: 'eigendecomposed', tolerance: 1.5 }, 'tolerance', 'must be <=1 (got 1.5)'],
    [{ type: 'eigenvalue-corrected', method: 'qr', tolerance: Number.NaN }, 'tolerance', 'must be a number (got NaN)'],
    [{ type: 'kl-eigendecomposed', tolerance: -0.1 }, 'tolerance', 'must be >=0 (got -0.1)'],
    [
      { type: 'root-inverse', method: 'coupled-higher-order' },
      'relativeEpsilon',
      "must be given: coupled-higher-order does not use the optimizer's epsilon",
    ],
    [
      { type: 'root-inverse', inverseExponent: { '02': 0.5 } },
      'inverseExponent.02',
      'must be a whole number such as "2" (got 0.5)',
    ],
    [{ type: 'sign-descent', scale: 'l2' }, 'scale', 'must be a number or "l1" (got "l2")'],
  ])('%j', (preconditioner, path, rest) => {
    expect(refusal({ preconditioner }).message).toBe(`preconditioner.${path}: ${rest}.`);
  });

  test.each([
    [{ type: 'root-inverse', tolerance: 0.1 }, 'tolerance'],
    [{ type: 'spectral-descent', method: 'svd', iterations: 3 }, 'iterations'],
    [{ type: 'root-inverse', method: 'coupled-newton', rankDeficiency: { type: 'perturbation' } }, 'rankDeficiency'],
  ])('an option of another method: %j', (preconditioner, key) => {
    expect(refusal({ preconditioner }).message).toMatch(
      new RegExp(`^preconditioner: does not take "${key}": misspelt, or of another type or method \\(got \\{"type":.*\\)\\.$`),
    );
  });

  test.each([1, 3, 'infinity'] as const)('spectral descent to graft on with blocks that need not be matrices: %j', (target) => {
    const { message, details } = refusal({ grafting: { type: 'spectral-descent' }, targetParameterDimensionality: target });
    expect(details['path']).toEqual(['targetParameterDimensionality']);
    expect(message).toContain(
      `is ${target === 'infinity' ? 'Infinity' : target}, and grafting spectral-descent takes blocks of order 2. Set it to 2`,
    );
  });

  test('of a group: under its path, and with what it inherits', () => {
    const group = (options: object) => ({ groups: [{ parameters: 'vectors', options }] });
    expect(refusal(group({ preconditioner: { type: 'eigendecomposed', method: 'eigen' } })).message).toMatch(
      /^groups\.0\.options\.preconditioner\.method: must be 'eigh' \| 'qr'/,
    );
    expect(refusal(group({ grafting: { type: 'spectral-descent' } })).message).toMatch(
      /^groups\.0\.options\.targetParameterDimensionality: is 1/,
    );
    const pseudoInverse = { type: 'root-inverse', rankDeficiency: { type: 'pseudo-inverse' } } as const;
    expect(refusal({ epsilon: 0, preconditioner: pseudoInverse, ...group({ preconditioner: { type: 'sgd' } }) }).message).toBe(
      'groups.0.options.epsilon: is 0, and must be above 0.',
    );
  });
});

test('a group has a preconditioner of its own, whole: nothing of the other is left in it', () => {
  const { groups } = parseOptions({
    preconditioner: { type: 'root-inverse', toleratedFailures: 7 },
    groups: [{ parameters: 'vectors', options: { preconditioner: { type: 'eigenvalue-corrected', method: 'qr' } } }],
  });
  expect(groups[0]?.options.preconditioner).toMatchObject({ type: 'root-inverse', method: 'eigen', toleratedFailures: 7 });
  expect(groups[1]?.options.preconditioner).toMatchObject({ type: 'eigenvalue-corrected', method: 'qr', toleratedFailures: 3 });
});

describe('what a method settles by itself', () => {
  test('signs and orthogonal factors have nothing to wait for', () => {
    const { groups } = parseOptions({
      preconditionFrequency: 20,
      groups: [
        { parameters: [0], options: { preconditioner: { type: 'sign-descent' } } },
        { parameters: [1], options: { preconditioner: { type: 'spectral-descent' } } },
      ],
    });
    expect(groups.map(({ options }) => [options.preconditionFrequency, options.startPreconditioningStep])).toEqual([
      [20, 20],
      [1, 1],
      [1, 1],
    ]);
    expect(groups.map(({ options }) => options.targetParameterDimensionality)).toEqual([1, 1, 2]);
  });

  test('what a caller gave is not written to, and another optimizer has its own', () => {
    const spectral = Object.freeze({ type: 'spectral-descent' } as const);
    const input: ShampooInput = Object.freeze({ preconditioner: spectral, preconditionFrequency: 4 });
    expect(parseOptions(input).groups[0]?.options.targetParameterDimensionality).toBe(2);
    expect(input).toEqual({ preconditioner: { type: 'spectral-descent' }, preconditionFrequency: 4 });
    expect(parseOptions({}).groups[0]?.options.targetParameterDimensionality).toBe(1);
  });

  test('a start that was asked for stays', () => {
    const { groups } = parseOptions({
      preconditioner: { type: 'spectral-descent' },
      preconditionFrequency: 5,
      startPreconditioningStep: 3,
      targetParameterDimensionality: 4,
    });
    expect(groups[0]?.options).toMatchObject({
      preconditionFrequency: 1,
      startPreconditioningStep: 3,
      targetParameterDimensionality: 2,
    });
  });
});

test('special values are resolved', () => {
  const { groups } = parseOptions({
    preconditionFrequency: 7,
    betas: [0.8, 0.99],
    learningRate: 0.3,
    maxPreconditionerDim: 'infinity',
  });
  expect(groups[0]?.options).toMatchObject({
    startPreconditioningStep: 7,
    beta3: 0.8,
    peakLearningRate: 0.3,
    maxPreconditionerDim: Infinity,
  });
});

test('a group has what it says itself, and the rest from the top', () => {
  const { groups } = parseOptions({
    learningRate: 0.3,
    weightDecay: 0.1,
    preconditionFrequency: 5,
    groups: [{ parameters: ['a'], options: { learningRate: 0.2, grafting: { type: 'sgd' } } }],
  });
  expect(groups[1]?.options).toMatchObject({
    learningRate: 0.2,
    peakLearningRate: 0.3,
    weightDecay: 0.1,
    startPreconditioningStep: 5,
    grafting: { type: 'sgd' },
  });
  expect(groups[0]?.options.grafting).toBe(null);
});
