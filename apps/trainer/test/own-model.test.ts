import { readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { generateImages } from '../src/images/index.ts';
import { findModel } from '../src/models/find-model.ts';
import type { Summary } from '../src/summary.ts';
import { inTemporaryFolder, runCommand } from './command.ts';
import { images } from './small-images.ts';

const example = fileURLToPath(new URL('../examples/own-model.mjs', import.meta.url));

beforeAll(async () => {
  await generateImages({ folder: images.folder, trainPerClass: 12, testPerClass: 3, size: 40 });
});

describe('--model ./mine.mjs', () => {
  test('trains, saves and evaluates, also where the module has moved since', { timeout: 60_000 }, async () => {
    await inTemporaryFolder(async (folder) => {
      const [module, moved, output, file] = ['mine.mjs', 'moved.mjs', 'run', 'summary.json'].map((name) =>
        join(folder, name),
      ) as [string, string, string, string];
      await writeFile(module, readFileSync(example));
      const sets = ['--test', images.test, '--batch-size', '8'];
      const options = [
        '--model',
        module,
        '--train',
        images.train,
        ...sets,
        '--steps',
        '3',
        '--output',
        output,
        '--summary',
        file,
      ];
      const { code, stderr } = await runCommand(['train', ...options]);
      expect(code, stderr).toBe(0);
      const summary = JSON.parse(readFileSync(file, 'utf8')) as Summary;
      expect(summary).toMatchObject({ model: module, ranks: 2, steps: 3 });
      expect(new Set(summary.parametersHash).size).toBe(1);

      await rename(module, moved);
      const evaluate = ['evaluate', '--checkpoint', output, ...sets];
      const lost = await runCommand(evaluate);
      expect([lost.code, lost.stderr]).toEqual([2, expect.stringContaining('there is no file')]);
      const found = await runCommand([...evaluate, '--model', moved, '--summary', file]);
      expect(found.code, found.stderr).toBe(0);
      expect(JSON.parse(readFileSync(file, 'utf8')).testTop1).toBeCloseTo(summary.testTop1 as number, 6);
    });
  });

  test('may be a Keras-style model; its batch norms are merged and saved', { timeout: 60_000 }, async () => {
    await inTemporaryFolder(async (folder) => {
      const module = join(folder, 'keras.mjs');
      const layers = fileURLToPath(import.meta.resolve('@tensorflow/tfjs-layers'));
      await writeFile(
        module,
        `import { createRequire } from 'node:module';
         const { sequential, layers } = createRequire(${JSON.stringify(layers)})(${JSON.stringify(layers)});
         export default ({ classes, imageSize }) => sequential({ layers: [
           layers.conv2d({ filters: 8, kernelSize: 3, strides: 2, useBias: false, inputShape: [imageSize, imageSize, 3] }),
           layers.batchNormalization(), layers.reLU(), layers.globalAveragePooling2d({}), layers.dense({ units: classes }),
         ] });`,
      );
      const file = join(folder, 'summary.json');
      const output = join(folder, 'run');
      const sets = ['--test', images.test, '--batch-size', '8'];
      const trained = await runCommand([
        ...['train', '--model', module, '--train', images.train, ...sets, '--steps', '3', '--output', output, '--summary', file],
      ]);
      expect(trained.code, trained.stderr).toBe(0);
      const summary = JSON.parse(readFileSync(file, 'utf8')) as Summary;
      expect(new Set(summary.parametersHash).size).toBe(1);
      const evaluated = await runCommand(['evaluate', '--checkpoint', output, ...sets, '--summary', file]);
      expect(evaluated.code, evaluated.stderr).toBe(0);
      expect(JSON.parse(readFileSync(file, 'utf8')).testTop1).toBeCloseTo(summary.testTop1 as number, 6);
    });
  });
});

describe('a module that does not keep the contract is misuse', () => {
  test.each([
    ['has no default export', 'export const create = 1;', /its default export/],
    ['has a create that is no function', 'export default { create: 1 };', /create: must be a function/],
    ['has an unknown entry', 'export default { create() {}, imagesize: 3 };', /imagesize/],
    ['throws while it loads', "throw new Error('broken');", /cannot be loaded: broken/],
  ])('%s', async (_name, text, message) => {
    await inTemporaryFolder(async (folder) => {
      const file = join(folder, 'mine.mjs');
      await writeFile(file, text);
      await expect(findModel(file)).rejects.toMatchObject({ code: 'misuse', message: expect.stringMatching(message) });
    });
  });

  test.each([
    ['returns nothing', 'export default () => undefined;', /without forward/],
    ['has no variables', 'export default () => ({ variables: [], forward() {} });', /no array of tf.Variable/],
    [
      'has other things for variables',
      "export default () => ({ variables: [{ name: 'w' }], forward() {} });",
      /no array of tf.Variable/,
    ],
  ])('%s', async (_name, text, message) => {
    await inTemporaryFolder(async (folder) => {
      const file = join(folder, 'mine.mjs');
      await writeFile(file, text);
      const kind = await findModel(file);
      await expect(Promise.resolve(kind.create({ classes: 2, seed: 0, imageSize: 8 }))).rejects.toMatchObject({
        code: 'misuse',
        message: expect.stringMatching(message),
      });
    });
  });

  test('a name that is none lists the names', async () => {
    await expect(findModel('alexnet')).rejects.toMatchObject({ message: expect.stringMatching(/resnet50.*mine\.mjs/) });
  });
});
