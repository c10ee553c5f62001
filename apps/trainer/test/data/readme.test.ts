import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import * as data from '../../src/data/index.ts';
import * as images from '../../src/images/index.ts';
import { temporaryFolder } from './image-tree.ts';

const readme = () => readFile(new URL('../../src/data/README.md', import.meta.url), 'utf8');

test('the example of the README runs', async () => {
  const example = /```ts\n([\s\S]*?)```/.exec(await readme())![1]!;
  const folder = join(await temporaryFolder(), 'images');
  const few = { trainPerClass: 4, testPerClass: 1, size: 32 };
  const loaders: data.TrainingLoader[] = [];
  onTestFinished(async () => {
    for (const loader of loaders) await loader.close();
  });
  // The text as it stands, over the project's own functions: in another folder, with fewer images.
  const surroundings = {
    ...data,
    generateImages: () => images.generateImages({ ...few, folder }),
    createTrainingLoader: (...options: Parameters<typeof data.createTrainingLoader>) => {
      const loader = data.createTrainingLoader(...options);
      loaders.push(loader);
      return loader;
    },
  };
  const names = Object.keys(surroundings);
  const run = new Function(
    ...names,
    `return (async () => { ${example.replace('loader.release', 'var seen = { ...batch, size: batch.images.length }; loader.release')} return seen; })();`,
  );
  const seen = await run(...Object.values(surroundings));
  expect(seen.count).toBe(32);
  expect(seen.size).toBe(32 * 64 * 64 * 3);
});

test("the README's module of one's own opens", async () => {
  const example = /```js\n([\s\S]*?)```/.exec(await readme())![1]!;
  const file = join(await temporaryFolder(), 'mine.mjs');
  await writeFile(file, example);
  const [train, held] = [await data.openDataset(file), await data.openDataset(file, { split: 'test' })];
  expect([train.length, held.length, train.classes, train.label(3)]).toEqual([1000, 100, ['even', 'odd'], 1]);
  const loader = data.createTrainingLoader(train, { imageSize: 8, batchSize: 4, seed: 0 });
  expect((await loader.next()).count).toBe(4);
  await loader.close();
});

test('the README names every error code', async () => {
  const source = await readFile(new URL('../../src/data/errors.ts', import.meta.url), 'utf8');
  const codes = [...source.matchAll(/\| '([a-z-]+)'/g)].map((match) => match[1]!);
  expect(codes.length).toBeGreaterThan(5);
  const text = await readme();
  for (const code of codes) expect(text).toContain(`\`${code}\``);
});
