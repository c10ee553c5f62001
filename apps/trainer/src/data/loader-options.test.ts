import { expect, test } from 'vitest';
import { evaluationPlan, type TrainingOptions, trainingPlan } from './loader-options.ts';
import { imagenetNormalisation } from './normalisation.ts';

const least = { imageSize: 64, batchSize: 8, seed: 1 };

test('fills in the defaults', () => {
  expect(trainingPlan(least)).toEqual({
    ...least,
    task: 'training',
    rank: 0,
    size: 1,
    normalisation: imagenetNormalisation,
    prefetch: 3,
    decoders: 2,
    firstStep: 0,
    augmentation: { scale: [0.08, 1], ratio: [3 / 4, 4 / 3], mirror: 0.5 },
    pixelBudgetBytes: 512 * 2 ** 20,
  });
});

test.each([
  ['batchSize', { batchSize: 0 }],
  ['batchSize', { batchSize: 1.5 }],
  ['seed', { seed: -1 }],
  ['rank', { rank: 2, size: 2 }],
  ['augmentation.scale', { augmentation: { scale: [1, 0.5] } }],
  ['augmentation.scale', { augmentation: { scale: [0, 0.5] } }],
  ['augmentation.mirror', { augmentation: { mirror: 2 } }],
  ['normalisation.std', { normalisation: { mean: [0, 0, 0], std: [1, 0, 1] } }],
  ['sede', { sede: 3 }],
])('refuses a bad %s in one line that names it', (name, wrong) => {
  const plan = () => trainingPlan({ ...least, ...wrong } as TrainingOptions);
  expect(plan).toThrow(expect.objectContaining({ code: 'bad-option' }));
  expect(plan).toThrow(new RegExp(`^loader: .*${name.replace('.', '\\.')}[^\n]*$`));
});

test('evaluation knows no seed and no augmentation', () => {
  expect(() => evaluationPlan({ imageSize: 64, batchSize: 8, ...{ seed: 1 } })).toThrow(/seed/);
});
