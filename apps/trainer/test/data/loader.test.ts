import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expectClose, tolerance } from '@distributed-shampoo/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  type Batch,
  createEvaluationLoader,
  createTrainingLoader,
  type EvaluationOptions,
  type ImageDataset,
  type Loader,
  openDataset,
  type TrainingOptions,
} from '../../src/data/index.ts';
import { gradientTree, temporaryFolder, writeTar, writeTree } from './image-tree.ts';

const three = ['ant', 'bee', 'cat'];
const small = { imageSize: 8, batchSize: 4, seed: 4 };

async function dataset(perClass = 4, broken: readonly string[] = []): Promise<ImageDataset> {
  return openDataset(await writeTar(join(await temporaryFolder(), 'set.tar'), await gradientTree(three, perClass, broken)));
}

/** A loader that is closed when the test is over, whatever became of it. */
function closed<L extends Loader<Batch | undefined>>(loader: L): L {
  onTestFinished(() => loader.close());
  return loader;
}
const training = (images: ImageDataset, options: Partial<TrainingOptions> = {}) =>
  closed(createTrainingLoader(images, { ...small, ...options }));
const evaluation = (images: ImageDataset, options: Partial<EvaluationOptions> = {}) =>
  closed(createEvaluationLoader(images, { imageSize: 8, batchSize: 5, ...options }));

async function take(loader: Loader<Batch | undefined>, count: number): Promise<Batch[]> {
  const batches = [];
  for (let i = 0; i < count; i++) batches.push((await loader.next())!);
  return batches;
}

describe('a training loader', () => {
  test('gives two ranks together what one rank with the double batch gets, to the bit', async () => {
    const images = await dataset();
    const alone = await take(training(images, { batchSize: 8 }), 4);
    const ranks = await Promise.all([0, 1].map((rank) => take(training(images, { rank, size: 2 }), 4)));
    for (const [step, whole] of alone.entries()) {
      const parts = ranks.map((batches) => batches[step]!);
      expect(parts.flatMap((part) => [...part.labels])).toEqual([...whole.labels]);
      expectClose(
        parts.flatMap((part) => [...part.images]),
        whole.images,
        tolerance.exact,
        `step ${step}`,
      );
    }
  });

  test('goes on at step N as if it had never stopped, and under another seed differently', async () => {
    const images = await dataset();
    const all = await take(training(images), 9);
    expect(all.map((batch) => batch.step)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    const resumed = await take(training(images, { firstStep: 6 }), 3);
    expect(resumed).toEqual(all.slice(6));
    expect((await take(training(images, { seed: 5 }), 1))[0]!.images).not.toEqual(all[0]!.images);
  });

  test('reuses memory that is given back, without a change to what comes', async () => {
    const images = await dataset();
    const expected = await take(training(images), 12);
    const loader = training(images);
    for (const wanted of expected) {
      const batch = await loader.next();
      expect(batch).toEqual(wanted);
      loader.release(batch);
      expect(batch.images.length).toBe(0);
    }
  });

  test('serves several who wait at once, in order', async () => {
    const loader = training(await dataset());
    const batches = await Promise.all(Array.from({ length: 10 }, () => loader.next()));
    expect(batches.map((batch) => batch.step)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('makes batches while the main thread is held up', async () => {
    const loader = training(await dataset(), { imageSize: 256, batchSize: 32, prefetch: 3 });
    await loader.next();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4000);
    const timed = async () => {
      const start = performance.now();
      const steps = (await take(loader, 3)).map((batch) => batch.step);
      return { steps, elapsedMs: performance.now() - start };
    };
    const ready = await timed();
    const unready = await timed();
    expect([...ready.steps, ...unready.steps]).toEqual([1, 2, 3, 4, 5, 6]);
    // Three lay ready and only had to be received; the next three had to be made.
    expect(ready.elapsedMs).toBeLessThan(unready.elapsedMs / 3);
  });

  test('names unreadable images once and goes on', async () => {
    const loader = training(await dataset(4, ['ant/001.png', 'cat/003.png']));
    const batches = await take(loader, 9);
    expect(batches.every((batch) => batch.count === 4)).toBe(true);
    expect(new Set(loader.unreadable.map((image) => image.name))).toEqual(new Set(['ant/001.png', 'cat/003.png']));
    expect(loader.unreadable.length).toBe(2);
    for (const { reason } of loader.unreadable) expect(reason).toMatch(/no JPEG, PNG, WebP or GIF/);
  });
});

describe('an evaluation loader', () => {
  test.each([1, 2, 5])('shows every image once over %i ranks, then ends and stays at its end', async (size) => {
    const images = await dataset();
    const labels: number[] = [];
    for (let rank = 0; rank < size; rank++) {
      const loader = evaluation(images, { rank, size });
      for (let batch = await loader.next(); batch; batch = await loader.next()) labels.push(...batch.labels);
      for (let i = 0; i < 5; i++) expect(await loader.next()).toBeUndefined();
    }
    expect(labels).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
  });

  test('leaves unreadable images out, and batches of nothing else too', async () => {
    const loader = evaluation(await dataset(2, ['ant/000.png', 'ant/001.png', 'cat/001.png']), { batchSize: 2 });
    const counts: number[] = [];
    for (let batch = await loader.next(); batch; batch = await loader.next()) counts.push(batch.count);
    expect(counts).toEqual([2, 1]);
    expect(new Set(loader.unreadable.map((image) => image.name))).toEqual(new Set(['ant/000.png', 'ant/001.png', 'cat/001.png']));
    expect(loader.unreadable.length).toBe(3);
  });
});

describe('a loader that cannot go on', () => {
  test('fails where no image can be read, with the code and the first reason, again and again', async () => {
    const loader = training(await dataset(1, ['ant/000.png', 'bee/000.png', 'cat/000.png']));
    for (let i = 0; i < 2; i++) {
      await expect(loader.next()).rejects.toMatchObject({ name: 'DataError', code: 'no-readable-image' });
      await expect(loader.next()).rejects.toThrow(/none of its 3 images can be read.*no JPEG/);
    }
  });

  test('fails where the archive is gone', async () => {
    const images = await dataset();
    await rm(images.name);
    const loader = training(images);
    await expect(loader.next()).rejects.toThrow(/ENOENT/);
  });

  test('passes on an error of its worker', async () => {
    const images = await dataset();
    const broken = { ...images, index: { ...images.index, source: 'disk' as 'tar' } };
    await expect(training(broken).next()).rejects.toMatchObject({ code: 'loader-failed' });
  });

  test('says so after it was closed, to those who wait as well; close may be called twice', async () => {
    const loader = training(await dataset());
    await loader.next();
    const waiting = Promise.allSettled(Array.from({ length: 20 }, () => loader.next()));
    await Promise.all([loader.close(), loader.close()]);
    const refused = (await waiting).filter((outcome) => outcome.status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'loader-closed' });
    await expect(loader.next()).rejects.toMatchObject({ code: 'loader-closed' });
    await loader.close();
  });

  test('may be closed after an error', async () => {
    const loader = training(await dataset(1, ['ant/000.png', 'bee/000.png', 'cat/000.png']));
    await expect(loader.next()).rejects.toThrow();
    await loader.close();
  });

  test('refuses bad options before a worker is started', async () => {
    const images = await dataset();
    expect(() => createTrainingLoader(images, { ...small, batchSize: 0 })).toThrow(/batchSize/);
    expect(() => createEvaluationLoader(images, { imageSize: 8, batchSize: 1, rank: 1 })).toThrow(/rank/);
  });
});

test('loaders that were not closed, used or not, do not keep the process, and it ends cleanly', async () => {
  const folder = await writeTree(await temporaryFolder(), await gradientTree(three, 4));
  const entry = new URL('../../src/data/index.ts', import.meta.url).href;
  const program = `
    import { createTrainingLoader, openDataset } from ${JSON.stringify(entry)};
    const dataset = await openDataset(${JSON.stringify(folder)});
    const [loader] = [1, 2].map((seed) => createTrainingLoader(dataset, { imageSize: 64, batchSize: 32, seed }));
    console.log((await loader.next()).count);
  `;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
  const deadline = setTimeout(() => child.kill('SIGKILL'), 30_000);
  const [code, signal] = await once(child, 'exit');
  clearTimeout(deadline);
  expect({ code, signal, output: Buffer.concat(output).toString() }).toEqual({ code: 0, signal: null, output: '32\n' });
});
