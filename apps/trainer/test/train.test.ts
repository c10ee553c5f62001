import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { generateImages } from '../src/images/index.ts';
import type { Summary } from '../src/summary.ts';
import { inTemporaryFolder, runCommand } from './command.ts';
import { images } from './small-images.ts';

const small = [
  'train',
  '--model',
  'resnet20',
  '--batch-size',
  '8',
  '--steps',
  '4',
  '--train',
  images.train,
  '--test',
  images.test,
];

/** Runs a training to its end and reads its summary. */
async function train(
  folder: string,
  name: string,
  args: readonly string[],
): Promise<{ summary: Summary; stdout: string; stderr: string; checkpoint: string }> {
  const file = join(folder, `${name}.json`);
  const checkpoint = join(folder, name);
  const { code, stdout, stderr } = await runCommand([...small, '--output', checkpoint, '--summary', file, ...args]);
  expect(code, stderr).toBe(0);
  return { summary: JSON.parse(readFileSync(file, 'utf8')) as Summary, stdout, stderr, checkpoint };
}

beforeAll(async () => {
  await generateImages({ folder: images.folder, trainPerClass: 12, testPerClass: 3, size: 40 });
});

describe('a run on two ranks', () => {
  test('ends with equal parameters on both, twice the same for a seed, and a checkpoint that evaluates alike', async () => {
    await inTemporaryFolder(async (folder) => {
      const first = await train(folder, 'first', ['--seed', '1']);
      const { summary, stdout, stderr } = first;
      expect(summary).toMatchObject({
        model: 'resnet20',
        ranks: 2,
        steps: 4,
        stopped: 'at the end',
        engine: 'blas',
        warnings: [],
      });
      expect(summary.backend).toContain('tensorflow');
      expect(summary.parametersHash).toHaveLength(2);
      expect(new Set(summary.parametersHash).size).toBe(1);
      for (const number of [
        summary.trainLoss,
        summary.imagesPerSecond,
        summary.secondsPerStep,
        summary.slowestStepSeconds,
        summary.optimizerShare,
      ]) {
        expect(Number.isFinite(number) && number > 0).toBe(true);
      }
      expect(stderr).toMatch(/step 4\/4 {2}loss \d\.\d+ {2}accuracy [\d.]+ % {2}[\d.]+ images\/s/);
      expect(stdout).toContain(`checkpoint: ${summary.checkpoint}`);
      expect(stdout).toMatch(/[\d.]+ % of it the optimizer/);

      // Testing on the way leaves no trace, not in the batch-norm statistics either.
      const again = await train(folder, 'again', ['--seed', '1', '--evaluate-every', '2']);
      expect(again.summary.parametersHash).toEqual(summary.parametersHash);
      const { evaluations } = again.summary;
      expect(evaluations.map(({ step }) => step)).toEqual([2, 4]);
      expect(evaluations[1]).toMatchObject({ top1: summary.testTop1, loss: summary.evaluations[0]?.loss });
      expect(evaluations[0]?.seconds).toBeGreaterThan(0);
      expect(evaluations[1]?.seconds).toBeGreaterThan(evaluations[0]?.seconds as number);
      const other = await train(folder, 'other', ['--seed', '2']);
      expect(other.summary.parametersHash[0]).not.toBe(summary.parametersHash[0]);

      const evaluated = join(folder, 'evaluated.json');
      const { code, stderr: errors } = await runCommand([
        'evaluate',
        '--checkpoint',
        first.checkpoint,
        '--test',
        images.test,
        '--summary',
        evaluated,
      ]);
      expect(code, errors).toBe(0);
      expect(JSON.parse(readFileSync(evaluated, 'utf8'))).toMatchObject({
        model: 'resnet20',
        testTop1: summary.testTop1,
        images: 30,
      });
    });
  });

  test('ends with the same parameters over shared memory and over WebSocket', { timeout: 60_000 }, async () => {
    await inTemporaryFolder(async (folder) => {
      const hashes = [];
      for (const transport of ['shared-memory', 'websocket'])
        hashes.push((await train(folder, transport, ['--transport', transport, '--seed', '3'])).summary.parametersHash);
      expect(new Set(hashes.flat()).size).toBe(1);
    });
  });

  test('needs neither TensorFlow nor a BLAS: wasm trains a ResNet-20, the preconditioner runs on tensors', {
    timeout: 90_000,
  }, async () => {
    await inTemporaryFolder(async (folder) => {
      const [output, file] = [join(folder, 'run'), join(folder, 'summary.json')];
      const sets = ['--train', images.train, '--test', images.test];
      const bare = { SHAMPOO_BACKEND: 'wasm', SHAMPOO_OPENBLAS: '/nowhere' };
      const options = [...sets, '--batch-size', '8', '--steps', '2', '--optimizer.maxPreconditionerDim', '64'];
      const { code, stderr } = await runCommand(['train', ...options, '--output', output, '--summary', file], bare);
      expect(code, stderr).toBe(0);
      expect(stderr).toMatch(/the backend is wasm.*resnet20/);
      const summary = JSON.parse(readFileSync(file, 'utf8')) as Summary;
      expect(summary).toMatchObject({ model: 'resnet20', backend: 'wasm', engine: 'tfjs', steps: 2 });
      expect(new Set(summary.parametersHash).size).toBe(1);
      expect(summary.warnings).toEqual([expect.stringMatching(/OpenBLAS was not found/)]);
    });
  });

  test('sees the images that one rank with twice the batch sees: with frozen batch norm, losses agree', async () => {
    await inTemporaryFolder(async (folder) => {
      const frozen = ['--freeze-batch-norm', '--optimizer.epsilon', '1e-4'];
      const two = await train(folder, 'two', frozen);
      const one = await train(folder, 'one', [...frozen, '--nproc-per-node', '1', '--batch-size', '16']);
      expect(one.summary.ranks).toBe(1);
      // Gradients of 8 and 8 images are added where 16 were summed in one go: rounding differs, the mathematics does not.
      expect(Math.abs(one.summary.trainLoss - two.summary.trainLoss)).toBeLessThan(1e-3);
    });
  });

  test('can stop early without shortening the plan', async () => {
    await inTemporaryFolder(async (folder) => {
      const { summary } = await train(folder, 'early', ['--stop-at-step', '2', '--steps', '50']);
      expect(summary).toMatchObject({ steps: 2, stopped: 'at --stop-at-step' });
    });
  });

  test('trains with every optimizer', async () => {
    await inTemporaryFolder(async (folder) => {
      for (const optimizer of ['adamw', 'sgd']) {
        const { summary } = await train(folder, optimizer, ['--optimizer', optimizer, '--steps', '2']);
        expect(new Set(summary.parametersHash).size).toBe(1);
      }
    });
  });
});
