import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { prepareBlas, prepareTensorFlow, searchBlas, searchTensorFlow } from '../../src/node.ts';
import { gpuFolder, wheelFolder } from '../../src/provision/cache.ts';
import { cudaWheels } from '../../src/provision/cuda-wheels.ts';
import { tensorflowIn } from '../../src/provision/find-tensorflow.ts';
import { probeBlas } from '../../src/provision/probe-blas.ts';
import { describeAttempts, search } from '../../src/provision/search.ts';
import { tensorflowWheels, thisTarget } from '../../src/provision/wheels.ts';
import { quietly } from '../../src/tensorflow/quiet.ts';
import { sandbox } from './sandbox.ts';

/** A folder with empty files of some names. */
function folderWith(path: string, names: readonly string[]): string {
  mkdirSync(path, { recursive: true });
  for (const name of names) writeFileSync(join(path, name), '');
  return path;
}

const pair = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];

describe('a search', () => {
  test('takes the first place that has the thing, and tells what was tried before', async () => {
    const found = await search([
      { place: 'a', look: () => ({ missing: 'empty' }) },
      { place: 'b', look: () => Promise.reject(new Error('broken')) },
      { place: 'c', look: () => ({ found: 3 }) },
      { place: 'd', look: () => ({ found: 4 }) },
    ]);
    expect(found).toEqual({
      found: 3,
      place: 'c',
      attempts: [
        { place: 'a', outcome: 'empty' },
        { place: 'b', outcome: 'broken' },
      ],
    });
    expect(describeAttempts(found.attempts)).toBe('a: empty; b: broken');
  });

  test('ends where the user named a place that has nothing', async () => {
    const found = await search([
      { place: 'a', look: () => ({ refused: 'no such folder' }) },
      { place: 'b', look: () => ({ found: 1 }) },
    ]);
    expect(found).toEqual({ attempts: [{ place: 'a', outcome: 'no such folder' }] });
  });
});

describe("TensorFlow's libraries in a folder", () => {
  test.each([
    [pair, pair[0], pair[1]],
    [
      ['libtensorflow.so', 'libtensorflow.so.2', 'libtensorflow.so.2.9.1', 'libtensorflow_framework.so.2'],
      'libtensorflow.so.2.9.1',
      'libtensorflow_framework.so.2',
    ],
    [
      ['libtensorflow_cc.2.dylib', 'libtensorflow_framework.2.dylib'],
      'libtensorflow_cc.2.dylib',
      'libtensorflow_framework.2.dylib',
    ],
  ])('%j', (names, library, framework) => {
    const folder = folderWith(sandbox().folder, names);
    expect(tensorflowIn(folder)).toEqual({
      found: { library: join(folder, library as string), framework: join(folder, framework as string) },
    });
  });

  test('are not the libraries of others', () => {
    const folder = folderWith(sandbox().folder, ['libtensorflowlite.so', 'libtensorflow_framework.so.2', 'libtensorflow_io.so']);
    expect(tensorflowIn(folder)).toEqual({ missing: `no libtensorflow_cc.so.2 in ${folder}` });
  });
});

describe('where TensorFlow is looked for', () => {
  const places = async (environment: NodeJS.ProcessEnv) => {
    const { place, attempts } = await searchTensorFlow({ environment });
    return [...attempts.map((a) => a.place), place];
  };

  test('in the folder that the user names, before all others', async () => {
    const { environment, folder } = sandbox();
    expect(await places({ ...environment, SHAMPOO_TENSORFLOW: folderWith(join(folder, 'mine'), pair) })).toEqual([
      'SHAMPOO_TENSORFLOW',
    ]);
  });

  test('not elsewhere, when that folder has none', async () => {
    const { environment, folder } = sandbox();
    const { found, attempts } = await searchTensorFlow({ environment: { ...environment, SHAMPOO_TENSORFLOW: folder } });
    expect([found, attempts.length]).toEqual([undefined, 1]);
  });

  test.skipIf(thisTarget() === undefined)("in the cache, before Python's", async () => {
    const { environment, cache } = sandbox();
    const target = thisTarget()!;
    folderWith(wheelFolder(cache, tensorflowWheels[target], target), pair);
    expect(await places(environment)).toEqual([
      'SHAMPOO_TENSORFLOW',
      '@tensorflow/tfjs-node',
      '@tensorflow/tfjs-node-gpu',
      'cache',
    ]);
  });

  test("beside Python's, which is asked without importing it", async () => {
    const { environment, folder, program } = sandbox();
    program('python3', 'exit 1');
    program('python', `echo ${folderWith(join(folder, 'site-packages', 'tensorflow'), pair)}`);
    const { found, place } = await searchTensorFlow({ environment });
    expect([place, found?.library]).toEqual(['Python', join(folder, 'site-packages', 'tensorflow', 'libtensorflow_cc.so.2')]);
  });

  test('and what is nowhere is one error that says it all', async () => {
    const { environment } = sandbox();
    const error = await prepareTensorFlow({ environment, fetch: true }).catch((e: Error) => e);
    expect(error).toMatchObject({ code: 'engine-not-found' });
    expect((error as Error).message).toMatch(
      /^TensorFlow was not found \(SHAMPOO_TENSORFLOW: not set; .*cache: .*; Python: no python3 on the path, no python on the path; download: .*pip.*\)\. Without it.*shampoo-engines.*SHAMPOO_TENSORFLOW/,
    );
    expect((error as Error).message).not.toContain('\n');
  });
});

describe('where TensorFlow for GPUs is looked for', () => {
  const look = (environment: NodeJS.ProcessEnv) => searchTensorFlow({ environment, gpu: true });

  test('in the folder that the user names', async () => {
    const { environment, folder } = sandbox();
    const mine = folderWith(join(folder, 'mine'), pair);
    expect((await look({ ...environment, SHAMPOO_TENSORFLOW: mine })).found?.library).toBe(join(mine, pair[0] as string));
  });

  test('in the cache, which may hold the one for CPUs besides', async () => {
    const { environment, cache } = sandbox();
    folderWith(wheelFolder(cache, tensorflowWheels['linux-x64'], 'linux-x64'), pair);
    expect((await look(environment)).found).toBeUndefined();
    const folder = folderWith(join(gpuFolder(cache, cudaWheels), 'tensorflow'), pair);
    expect(await look(environment)).toMatchObject({ place: 'cache', found: { library: join(folder, pair[0] as string) } });
  });

  test("beside Python's, if CUDA's libraries lie there too", async () => {
    const { environment, folder, program } = sandbox();
    const packages = join(folder, 'site-packages');
    program('python3', `echo ${folderWith(join(packages, 'tensorflow'), pair)}`);
    expect((await look(environment)).attempts).toContainEqual({
      place: 'Python',
      outcome: `no CUDA libraries beside ${join(packages, 'tensorflow')}`,
    });
    folderWith(join(packages, 'nvidia', 'cudnn', 'lib'), ['libcudnn.so.9']);
    expect((await look(environment)).place).toBe('Python');
  });

  test('and what is nowhere is one error with the command that fetches it', async () => {
    const { environment } = sandbox();
    const error = (await prepareTensorFlow({ environment, gpu: true }).catch((e: Error) => e)) as Error;
    expect(error).toMatchObject({ code: 'engine-not-found' });
    expect(error.message).toMatch(
      /^TensorFlow for GPUs was not found \(.*download: not asked for\)\. .*shampoo-engines --gpu".*CUDA/,
    );
    expect(error.message).not.toContain('\n');
  });
});

describe('where OpenBLAS is looked for', () => {
  test('in the file that the user names', async () => {
    const { path } = await prepareBlas();
    const { found, place } = await searchBlas({ environment: { ...sandbox().environment, SHAMPOO_OPENBLAS: path } });
    expect([place, found?.path]).toEqual(['SHAMPOO_OPENBLAS', path]);
  });

  test('not elsewhere, when that file is none, or no BLAS', async () => {
    const { environment, folder } = sandbox();
    const file = join(folder, 'libopenblas.so');
    const looked = () => searchBlas({ environment: { ...environment, SHAMPOO_OPENBLAS: file } });
    expect((await looked()).attempts).toEqual([{ place: 'SHAMPOO_OPENBLAS', outcome: `no file ${file}` }]);
    writeFileSync(file, 'no library');
    expect((await looked()).attempts).toEqual([{ place: 'SHAMPOO_OPENBLAS', outcome: expect.stringContaining("doesn't load") }]);
  });

  test('is found with what it says of itself', async () => {
    expect((await prepareBlas()).config).toMatch(/^OpenBLAS \d/);
  });

  test('and a library without its symbols is refused', async () => {
    const { framework } = await prepareTensorFlow();
    expect(() => quietly(() => probeBlas(framework as string))).toThrow(/no cblas_sgemm/);
  });
});
