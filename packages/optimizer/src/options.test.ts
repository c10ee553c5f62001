import { expect, test } from 'vitest';
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
