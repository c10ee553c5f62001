import { expect, test } from 'vitest';
import { splitDotted } from './command-line.ts';
import { parseConfig, plannedSteps } from './config.ts';

test.each([
  [{ model: 'alexnet' }, '--model'],
  [{ nprocPerNode: 0 }, '--nproc-per-node'],
  [{ imageSize: 1 }, '--image-size'],
  [{ steps: 1.5 }, '--steps'],
  [{ optimizer: 'magic' }, '--optimizer'],
  [{ labelSmoothing: 1 }, '--label-smoothing'],
  [{ learningRate: -1 }, '--learning-rate'],
  [{ seed: -1 }, '--seed'],
  [{ steps: 3, epochs: 2 }, '--steps and --epochs'],
  [{ test: 'somewhere' }, '--test'],
  [{ evaluateEvery: 0 }, '--evaluate-every'],
  [{ evaluateEvery: 5, train: 'somewhere' }, '--evaluate-every'],
  [{ data: './mine.mjs', test: 'somewhere' }, '--data'],
  [{ nnodes: 2, nodeRank: 2 }, '--node-rank'],
  [{ nnodes: 2, nodeRank: 1 }, '--master-addr'],
])('%j is misuse of %s', async (options, option) => {
  await expect(parseConfig(options)).rejects.toThrow(
    expect.objectContaining({ code: 'misuse', message: expect.stringContaining(option) }),
  );
});

test('what is left out follows from the model, and from whose images they are', async () => {
  expect(await parseConfig({ train: 'x' })).toMatchObject({
    model: 'resnet50',
    imageSize: 224,
    nprocPerNode: 2,
    optimizer: 'shampoo',
  });
  expect(await parseConfig({})).toMatchObject({ imageSize: 64, steps: 160 });
  expect(await parseConfig({}, { defaultModel: 'resnet20' })).toMatchObject({ model: 'resnet20', imageSize: 32 });
  expect(await parseConfig({ train: 'x', model: 'resnet20', batchSize: 7 })).toMatchObject({ imageSize: 32, batchSize: 7 });
});

test('the plan is steps, or epochs over the images of all ranks', async () => {
  const inputs = { images: 1000, ranks: 2 };
  expect(plannedSteps(await parseConfig({ train: 'x', steps: 5 }), inputs)).toBe(5);
  expect(plannedSteps(await parseConfig({ train: 'x', epochs: 3, batchSize: 50 }), inputs)).toBe(30);
  expect(plannedSteps(await parseConfig({ train: 'x', epochs: 0.001 }), inputs)).toBe(1);
});

test('options of the optimizer are dotted, and hold JSON or text', () => {
  const args = [
    '--optimizer',
    'sgd',
    '--optimizer.epsilon=1e-4',
    '--optimizer.grafting.type',
    'adam',
    '--optimizer.grafting.beta2',
    '0.9',
    '--steps',
    '3',
  ];
  expect(splitDotted(args)).toEqual({
    rest: ['--optimizer', 'sgd', '--steps', '3'],
    optimizerOptions: { epsilon: 1e-4, grafting: { type: 'adam', beta2: 0.9 } },
  });
  expect(() => splitDotted(['--optimizer.epsilon'])).toThrow(expect.objectContaining({ code: 'misuse' }));
});
