import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { gpuFolder, partialFolder, wheelFolder } from '../../src/provision/cache.ts';
import { cachedEngines, clearEngines, sizeOf } from '../../src/provision/cache-contents.ts';
import { cudaWheels } from '../../src/provision/cuda-wheels.ts';
import { blasWheels, type Target, tensorflowWheels } from '../../src/provision/wheels.ts';
import { sandbox } from './sandbox.ts';

/** A cache with a folder of 3 MB for every engine that there can be, with what fetches leave, and with things of others. */
function filled() {
  const box = sandbox();
  const { cache } = box;
  const engines = [
    ...[tensorflowWheels, blasWheels].flatMap((wheels) =>
      Object.entries(wheels).map(([target, wheel]) => wheelFolder(cache, wheel, target as Target)),
    ),
    gpuFolder(cache, cudaWheels),
    partialFolder(cache, cudaWheels[1]!),
    join(cache, 'fetching-a1B2c3'),
  ];
  for (const folder of engines) {
    mkdirSync(join(folder, 'lib'), { recursive: true });
    for (const file of [join(folder, 'one'), join(folder, 'lib', 'two')]) writeFileSync(file, Buffer.alloc(1_500_000));
  }
  for (const name of ['images', 'tensorflow', 'tensorflow-projects', 'fetching', 'partial-work-1']) mkdirSync(join(cache, name));
  writeFileSync(join(cache, 'tensorflow-2.21.0-linux-x64.txt'), 'a file of somebody');
  return { ...box, engines };
}

test('what lies in the cache is listed with its size, and what belongs to others is not', async () => {
  const { environment, engines } = filled();
  const listed = await cachedEngines(environment);
  expect(new Set(listed.map(({ path }) => path))).toEqual(new Set(engines));
  expect(new Set(listed.map(({ megabytes }) => megabytes))).toEqual(new Set([3]));
});

test('clearing removes that, and leaves what belongs to others', async () => {
  const { environment, engines, cache } = filled();
  expect(await clearEngines(environment)).toHaveLength(engines.length);
  expect(await cachedEngines(environment)).toEqual([]);
  expect(readdirSync(cache).sort()).toEqual([
    'fetching',
    'images',
    'partial-work-1',
    'tensorflow',
    'tensorflow-2.21.0-linux-x64.txt',
    'tensorflow-projects',
  ]);
});

test('a cache that is not there is an empty one', async () => {
  const { environment, cache } = sandbox();
  expect([await cachedEngines(environment), await clearEngines(environment), await sizeOf(cache)]).toEqual([[], [], 0]);
});
