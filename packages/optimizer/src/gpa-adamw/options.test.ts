import { expect, test } from 'vitest';
import { OptimizerError } from '../errors.ts';
import { type GpaAdamWInput, parseGpaAdamWOptions } from './options.ts';

test.each([
  [{ learningRate: -1 }, 'learningRate', '-1'],
  [{ learningRate: Number.NaN }, 'learningRate', 'NaN'],
  [{ epsilon: -1e-9 }, 'epsilon', '-1e-9'],
  [{ betas: [1, 0.9] }, 'betas.0', '1'],
  [{ betas: [0.9, 1] }, 'betas.1', '1'],
  [{ weightDecay: -0.1 }, 'weightDecay', '-0.1'],
  [{ weightDecayOn: 'x' }, 'weightDecayOn', '"x"'],
  [{ iterateAveraging: { type: 'momentum' } }, 'iterateAveraging.type', 'momentum'],
  [{ iterateAveraging: { type: 'gpa', trainInterpolation: 0 } }, 'iterateAveraging.trainInterpolation', '0'],
  [{ iterateAveraging: { type: 'gpa', evalInterpolation: 1.1 } }, 'iterateAveraging.evalInterpolation', '1.1'],
  [{ iterateAveraging: { type: 'schedule-free', evalStepPower: -1 } }, 'iterateAveraging.evalStepPower', '-1'],
  [{ iterateAveraging: { type: 'schedule-free', evalInterpolation: 0.9 } }, 'iterateAveraging', 'evalInterpolation'],
  [{ iterateAveraging: null }, 'iterateAveraging', 'null'],
  [{ typo: 1 }, '', 'typo'],
  [{ groups: [{ parameters: 'vectors', options: { betas: [0, 2] } }] }, 'groups.0.options.betas.1', '2'],
  [{ groups: [{ parameters: 'vectors', options: { groups: [] } }] }, 'groups.0.options', 'groups'],
] as const)('%j is refused at %s', (options, path, value) => {
  const parse = () => parseGpaAdamWOptions(options as unknown as GpaAdamWInput);
  expect(parse).toThrow(OptimizerError);
  expect(parse).toThrow(
    expect.objectContaining({
      code: 'bad-option',
      message: expect.stringContaining(value),
      details: { path: path === '' ? [] : path.split('.') },
    }),
  );
});

test('the ends of each range are accepted', () => {
  const { groups } = parseGpaAdamWOptions({
    learningRate: 0,
    epsilon: 0,
    betas: [0, 0],
    iterateAveraging: { type: 'gpa', trainInterpolation: 1, evalInterpolation: 1 },
  });
  expect(groups[0]?.options).toMatchObject({ learningRate: 0, epsilon: 0, betas: [0, 0] });
});

test('a group has what it says itself, and the rest from the top', () => {
  const { groups } = parseGpaAdamWOptions({
    learningRate: 0.3,
    weightDecay: 0.1,
    groups: [{ parameters: ['a'], options: { learningRate: 0.2 } }],
  });
  expect(groups[1]).toMatchObject({ members: ['a'], options: { learningRate: 0.2, weightDecay: 0.1, betas: [0.9, 0.999] } });
});
