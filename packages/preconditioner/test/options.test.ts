import { describe, expect, test } from 'vitest';
import { graftingOptions, preconditionerOptions } from '../src/index.ts';

/** Paths of everything that is wrong; of a union's branches, those that came furthest. */
function complaints(schema: typeof preconditionerOptions | typeof graftingOptions, options: unknown): string[] {
  const result = schema.safeParse(options);
  if (result.success) throw new Error(`accepted ${JSON.stringify(options)}`);
  type Issue = (typeof result.error.issues)[number];
  const paths = (issues: readonly Issue[], before: PropertyKey[]): string[] =>
    issues.flatMap((issue) => {
      const path = [...before, ...issue.path];
      return issue.code === 'invalid_union' && issue.errors.length > 0
        ? issue.errors.flatMap((branch) => paths(branch as Issue[], path))
        : [path.map(String).join('.')];
    });
  const all = [...new Set(paths(result.error.issues, []))];
  return all.filter((path) => !all.some((other) => other.startsWith(`${path}.`)));
}

const rootTypes = ['root-inverse', 'kl-root-inverse'] as const;
const decomposedTypes = ['eigendecomposed', 'kl-eigendecomposed'] as const;
const factorTypes = [...rootTypes, ...decomposedTypes, 'eigenvalue-corrected'] as const;
const higherOrder = { method: 'coupled-higher-order', relativeEpsilon: 0, absoluteEpsilon: 1e-6 };

type Bad = readonly [options: object, path: string];
const notNumbers = [Number.NaN, Number.POSITIVE_INFINITY, '1', null];
const each = (key: string, values: readonly unknown[], rest: object = {}): Bad[] =>
  values.map((value) => [{ ...rest, [key]: value }, key]);

const ofAllFactors: readonly Bad[] = [
  ...each('dropWeightingFactor', [1, 'yes']),
  ...each('traceScaling', [0, null]),
  ...each('traceScalingExponent', [0, -0.5, 1.01, ...notNumbers]),
  ...each('toleratedFailures', [-1, 0.5, ...notNumbers]),
  ...each('symmetricPacking', ['packed']),
  ...each('inverseExponent', [0.5, null, [0.5]]),
  [{ inverseExponent: { two: 0.5 } }, 'inverseExponent.two'],
  [{ inverseExponent: { '-1': 0.5 } }, 'inverseExponent.-1'],
  [{ inverseExponent: { '02': 0.5 } }, 'inverseExponent.02'],
  [{ inverseExponent: { '2.5': 0.5 } }, 'inverseExponent.2.5'],
  [{ inverseExponent: { 2: -0.5 } }, 'inverseExponent.2'],
  [{ inverseExponent: { 2: Number.NaN } }, 'inverseExponent.2'],
  [{ typo: 1 }, ''],
  [{ epsilon: 1 }, ''],
];
const ofExponentsByDimension: readonly Bad[] = [
  [{ inverseExponent: { 2: { 2: 0.5 } } }, 'inverseExponent.2.2'],
  [{ inverseExponent: { 0: { 1: 0.5 } } }, 'inverseExponent.0.1'],
  [{ inverseExponent: { 2: { 0: -1 } } }, 'inverseExponent.2.0'],
  [{ inverseExponent: { 2: { '00': 1 } } }, 'inverseExponent.2.00'],
];
const ofRankDeficiency: readonly Bad[] = [
  [{ rankDeficiency: { type: 'nonsense' } }, 'rankDeficiency.type'],
  [{ rankDeficiency: {} }, 'rankDeficiency.type'],
  [{ rankDeficiency: 'perturbation' }, 'rankDeficiency'],
  [{ rankDeficiency: { type: 'perturbation', perturbBeforeComputation: 1 } }, 'rankDeficiency.perturbBeforeComputation'],
  [{ rankDeficiency: { type: 'perturbation', absoluteTolerance: 1 } }, 'rankDeficiency'],
];
const ofPseudoInverse: readonly Bad[] = [
  [{ rankDeficiency: { type: 'pseudo-inverse', absoluteTolerance: -1 } }, 'rankDeficiency.absoluteTolerance'],
  [{ rankDeficiency: { type: 'pseudo-inverse', relativeTolerance: -1 } }, 'rankDeficiency.relativeTolerance'],
  [{ rankDeficiency: { type: 'pseudo-inverse', relativeTolerance: Number.NaN } }, 'rankDeficiency.relativeTolerance'],
  [{ rankDeficiency: { type: 'pseudo-inverse', perturbBeforeComputation: true } }, 'rankDeficiency'],
];
const ofEigen: readonly Bad[] = [
  ...each('decompositionPrecision', ['float16', 'double', 64]),
  [{ tolerance: 0.1 }, ''],
  [{ maxIterations: 3 }, ''],
  [{ method: 'eigh' }, 'method'],
  [{ method: 'qr' }, 'method'],
  [{ method: null }, 'method'],
];
const ofCoupled: readonly Bad[] = [
  ...each('maxIterations', [0, -1, 1.5, ...notNumbers]),
  ...each('tolerance', [-1e-9, ...notNumbers]),
  [{ inverseExponent: { 2: 0.123456 } }, 'inverseExponent.2'],
  [{ inverseExponent: { 2: { 1: 0.123456 } } }, 'inverseExponent.2.1'],
  [{ inverseExponent: { 2: 65 } }, 'inverseExponent.2'],
  [{ inverseExponent: { 2: 1e-9 } }, 'inverseExponent.2'],
  [{ rankDeficiency: { type: 'perturbation' } }, ''],
  [{ decompositionPrecision: 'float64' }, ''],
];
const ofHigherOrder: readonly Bad[] = [
  ...each('relativeEpsilon', [-1, ...notNumbers, undefined]),
  ...each('absoluteEpsilon', [-1, ...notNumbers, undefined]),
  ...each('order', [1, 2.5, ...notNumbers]),
];
const ofBases: readonly Bad[] = [
  ...each('tolerance', [-0.1, 1.5, ...notNumbers]),
  [{ method: 'eigen' }, 'method'],
  [{ method: 'coupled-newton' }, 'method'],
];
const ofEigh: readonly Bad[] = [...each('decompositionPrecision', ['float16']), [{ maxIterations: 1 }, '']];
const ofQr: readonly Bad[] = [...each('maxIterations', [-1, 1.5, ...notNumbers]), [{ decompositionPrecision: 'auto' }, '']];

/** Every type and method with what is wrong for it. */
const factored: readonly (readonly [base: object, bad: readonly Bad[]])[] = [
  ...rootTypes.flatMap((type) => {
    const all = [...ofAllFactors, ...ofExponentsByDimension];
    return [
      [{ type }, [...all, ...ofRankDeficiency, ...ofPseudoInverse, ...ofEigen]],
      [{ type, method: 'coupled-newton' }, [...all, ...ofCoupled, [{ order: 3 }, '']]],
      [{ type, ...higherOrder }, [...all, ...ofCoupled, ...ofHigherOrder]],
    ] as const;
  }),
  ...decomposedTypes.flatMap((type) => {
    const all = [...ofAllFactors, ...ofExponentsByDimension, ...ofRankDeficiency, ...ofPseudoInverse, ...ofBases];
    return [
      [{ type }, [...all, ...ofEigh]],
      [{ type, method: 'qr' }, [...all, ...ofQr]],
    ] as const;
  }),
  ...[{}, { method: 'qr' }].map((method) => {
    const all: readonly Bad[] = [
      ...ofAllFactors,
      ...ofRankDeficiency,
      ...ofBases,
      ...(method.method === undefined ? ofEigh : ofQr),
      [{ inverseExponent: { 2: 0 } }, 'inverseExponent.2'],
      [{ inverseExponent: { 2: { 0: 0.5 } } }, 'inverseExponent.2'],
      [{ rankDeficiency: { type: 'pseudo-inverse' } }, 'rankDeficiency.type'],
      [{ ignoredBasisChangeDims: { 2: [2] } }, 'ignoredBasisChangeDims.2'],
      [{ ignoredBasisChangeDims: { 2: [0, 0] } }, 'ignoredBasisChangeDims.2'],
      [{ ignoredBasisChangeDims: { 2: [-1] } }, 'ignoredBasisChangeDims.2.0'],
      [{ ignoredBasisChangeDims: { 2: 1 } }, 'ignoredBasisChangeDims.2'],
      [{ ignoredBasisChangeDims: { x: [0] } }, 'ignoredBasisChangeDims.x'],
      [{ ignoredBasisChangeDims: { '03': [0] } }, 'ignoredBasisChangeDims.03'],
    ];
    return [{ type: 'eigenvalue-corrected', ...method }, all] as const;
  }),
];

const averaged: readonly Bad[] = [
  ...each('beta2', [0, 1, 1.5, -0.1, ...notNumbers]),
  ...each('epsilon', [0, -1, ...notNumbers]),
  ...each('dropWeightingFactor', [1]),
  [{ method: 'eigh' }, ''],
];
const ofDims: readonly Bad[] = each('scaleByDims', ['square', Number.NaN, null]);
const simple: readonly (readonly [base: object, bad: readonly Bad[]])[] = [
  [{ type: 'sgd' }, [[{ epsilon: 1 }, '']]],
  [{ type: 'adagrad' }, [...each('epsilon', [0, -1, ...notNumbers]), [{ beta2: 0.9 }, '']]],
  [{ type: 'rmsprop' }, averaged],
  [{ type: 'adam' }, averaged],
  [{ type: 'sign-descent' }, [...each('scale', ['l2', Number.NaN, null]), [{ epsilon: 1 }, '']]],
  [
    { type: 'spectral-descent' },
    [
      ...ofDims,
      ...each('iterations', [-1, 1.5, ...notNumbers]),
      ...each('coefficients', [3, 'muon']),
      [{ coefficients: [1, 2, Number.NaN] }, 'coefficients.2'],
      [{ coefficients: [1, 2] }, 'coefficients'],
      [{ coefficients: [1, 2, 3, 4] }, 'coefficients'],
      [{ method: 'eigh' }, 'method'],
      [{ scaleByNuclearNorm: true }, ''],
      [{ toleratedFailures: 1 }, ''],
    ],
  ],
  [{ type: 'spectral-descent', method: 'svd' }, [...ofDims, ...each('scaleByNuclearNorm', [1]), [{ iterations: 5 }, '']]],
];

const rows = (table: typeof factored) =>
  table.flatMap(([base, bad]) => bad.map(([options, path]) => ({ base, options, path, asked: { ...base, ...options } })));

describe('what cannot work is refused where it stands', () => {
  test.each(rows(factored))('$base with $options', ({ asked, path }) => {
    expect(complaints(preconditionerOptions, asked)).toEqual([path]);
  });

  test.each(rows(simple))('$base with $options, as main method and to graft on', ({ asked, path }) => {
    expect(complaints(preconditionerOptions, asked)).toEqual([path]);
    expect(complaints(graftingOptions, asked)).toEqual([path]);
  });

  test.each([{}, { type: 'shampoo' }, { type: null }, { method: 'eigen' }])('no type that there is: %j', (options) => {
    expect(complaints(preconditionerOptions, options)).toEqual(['type']);
    expect(complaints(graftingOptions, options)).toEqual(['type']);
  });

  test.each(['adam', null, 3, undefined])('%j is no options', (options) => {
    expect(complaints(preconditionerOptions, options)).toEqual(['']);
    expect(complaints(graftingOptions, options)).toEqual(['']);
  });

  test.each(factorTypes)('%s to graft on', (type) => {
    expect(complaints(graftingOptions, { type })).toEqual(['type']);
  });
});

test.each([...factored, ...simple].map(([base]) => base))('%j alone is accepted', (base) => {
  expect(preconditionerOptions.parse(base)).toMatchObject(base);
});

test.each(['rmsprop', 'adam'])('%s sums squares where the weighting factor is dropped', (type) => {
  expect(graftingOptions.parse({ type, beta2: 1, dropWeightingFactor: true })).toMatchObject({ beta2: 1 });
});

test('defaults are those of the reference', () => {
  expect(preconditionerOptions.parse({ type: 'root-inverse' })).toEqual({
    type: 'root-inverse',
    method: 'eigen',
    rankDeficiency: { type: 'perturbation', perturbBeforeComputation: true },
    decompositionPrecision: 'auto',
    inverseExponent: {},
    dropWeightingFactor: false,
    traceScaling: false,
    traceScalingExponent: 0.5,
    toleratedFailures: 3,
    symmetricPacking: true,
    factorStorage: 'square',
  });
  expect(preconditionerOptions.parse({ type: 'eigenvalue-corrected', method: 'qr' })).toMatchObject({
    maxIterations: 1,
    tolerance: 0,
    ignoredBasisChangeDims: {},
    inverseExponent: {},
  });
  expect(preconditionerOptions.parse({ type: 'root-inverse', method: 'coupled-newton' })).toMatchObject({
    maxIterations: 100,
    tolerance: 1e-6,
  });
  expect(preconditionerOptions.parse({ type: 'root-inverse', ...higherOrder })).toMatchObject({
    maxIterations: 100,
    tolerance: 1e-8,
    order: 3,
  });
  expect(preconditionerOptions.parse({ type: 'spectral-descent' })).toEqual({
    type: 'spectral-descent',
    method: 'newton-schulz',
    iterations: 5,
    coefficients: [3.4445, -4.775, 2.0315],
    scaleByDims: 1,
  });
  expect(graftingOptions.parse({ type: 'adam' })).toMatchObject({ beta2: 0.999, epsilon: 1e-10, dropWeightingFactor: false });
  expect(graftingOptions.parse({ type: 'rmsprop' })).toMatchObject({ beta2: 0.99, epsilon: 1e-10 });
});
