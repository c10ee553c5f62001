import { expectClose, tolerance } from '@distributed-shampoo/testing';
import { describe, expect, test } from 'vitest';
import type { Batch } from '../../src/data/batch.ts';
import { createBatchMaker } from '../../src/data/batch-maker.ts';
import type { Course } from '../../src/data/course.ts';
import { evaluationCourse } from '../../src/data/evaluation-course.ts';
import { openDataset } from '../../src/data/index.ts';
import { type EvaluationOptions, evaluationPlan, type TrainingOptions, trainingPlan } from '../../src/data/loader-options.ts';
import { trainingCourse } from '../../src/data/training-course.ts';
import { gradientTree, type Tree, temporaryFolder, writeTree } from './image-tree.ts';

const open = async (tree: Tree) => openDataset(await writeTree(await temporaryFolder(), tree));
const three = ['ant', 'bee', 'cat'];

async function trainingMaker(tree: Tree, options: Partial<TrainingOptions> = {}) {
  const dataset = await open(tree);
  const plan = trainingPlan({ imageSize: 8, batchSize: 6, seed: 4, ...options });
  return { dataset, maker: createBatchMaker(dataset, trainingCourse(dataset.length, plan), plan) };
}

async function evaluationMaker(tree: Tree, options: Partial<EvaluationOptions> = {}, course?: Course) {
  const dataset = await open(tree);
  const plan = evaluationPlan({ imageSize: 8, batchSize: 4, ...options });
  return { dataset, maker: createBatchMaker(dataset, course ?? evaluationCourse(dataset.length, plan), plan) };
}

/** What is compared of two batches; a copy, since memory may be used again. */
const copy = (batch: Batch | undefined) => ({
  labels: [...batch!.labels],
  images: [...batch!.images],
  count: batch!.count,
  step: batch!.step,
});

describe('training batches', () => {
  test('do not depend on how many decode at once, on what is kept, on the order they are made in, nor on reused memory', async () => {
    const tree = await gradientTree(three, 3);
    const { maker } = await trainingMaker(tree);
    const expected = [];
    for (let step = 0; step < 5; step++) expected.push(copy(await maker.make(step)));
    expect(new Set(expected.map((batch) => JSON.stringify(batch.images))).size).toBe(5);
    for (const options of [{ decoders: 1 }, { decoders: 16 }, { pixelBudgetBytes: 0 }, { pixelBudgetBytes: 4000 }]) {
      const other = (await trainingMaker(tree, options)).maker;
      for (const step of [4, 0, 3, 2, 1, 4]) {
        const batch = (await other.make(step))!;
        expect(copy(batch)).toEqual(expected[step]);
        other.recycle({ images: new Float32Array(batch.images.buffer), labels: new Int32Array(batch.labels.buffer) });
      }
    }
  });

  test('hold [count, size, size, 3] normalised values and the labels of the images shown', async () => {
    const { dataset, maker } = await trainingMaker(await gradientTree(three, 3));
    const batch = (await maker.make(0))!;
    expect(batch.count).toBe(6);
    expect(batch.images.length).toBe(6 * 8 * 8 * 3);
    // The blue of a gradient image tells which one it is.
    for (let i = 0; i < 6; i++) {
      const blue = (batch.images[i * 192 + 2]! * 0.225 + 0.406) * 255;
      const index = Array.from({ length: 9 }, (_, k) => k).find((k) => Math.abs(((k * 37) % 256) - blue) < 1)!;
      expect(batch.labels[i]).toBe(dataset.label(index));
    }
  });

  test('put the next readable image in the place of an unreadable one, and name it once', async () => {
    const broken = ['bee/001.png', 'bee/002.png'];
    const whole = await trainingMaker(await gradientTree(three, 3), {
      batchSize: 9,
      augmentation: { scale: [1, 1], ratio: [1.2, 1.2], mirror: 0 },
    });
    const damaged = await trainingMaker(await gradientTree(three, 3, broken), {
      batchSize: 9,
      augmentation: { scale: [1, 1], ratio: [1.2, 1.2], mirror: 0 },
    });
    const [expected, actual] = [copy(await whole.maker.make(0)), copy(await damaged.maker.make(0))];
    const reported = damaged.maker.takeUnreadable();
    expect(new Set(reported.map((image) => image.name))).toEqual(new Set(broken));
    expect(reported.length).toBe(2);
    expect(reported[0]!.reason).toMatch(/no JPEG, PNG, WebP or GIF/);
    // Images 4 and 5 are broken; 6 stands for both. The same crop of every image, so its place is found by its pixels.
    const at = (images: number[], place: number) => images.slice(place * 192, place * 192 + 192);
    const substitutes = actual.labels.flatMap((_, i) =>
      at(actual.images, i).join() === at(expected.images, i).join() ? [] : [i],
    );
    expect(substitutes.length).toBe(2);
    for (const place of substitutes) expect(actual.labels[place]).toBe(2);
    for (let step = 1; step < 4; step++) await damaged.maker.make(step);
    expect(damaged.maker.takeUnreadable()).toEqual([]);
  });

  test('name an unreadable image once even if it is met twice at the same moment', async () => {
    const { maker } = await trainingMaker(await gradientTree(three, 1, ['bee/000.png']), { batchSize: 12, decoders: 12 });
    await maker.make(0);
    expect(maker.takeUnreadable().map((image) => image.name)).toEqual(['bee/000.png']);
  });

  test('fail where nothing can be read', async () => {
    const { maker } = await trainingMaker({ 'cat/1.png': Buffer.from('no'), 'dog/1.png': Buffer.from('no') });
    await expect(maker.make(0)).rejects.toMatchObject({ code: 'no-readable-image' });
  });
});

describe('evaluation batches', () => {
  test('show every image once and in order; the last is short', async () => {
    const { maker } = await evaluationMaker(await gradientTree(three, 3));
    const batches = [await maker.make(0), await maker.make(1), await maker.make(2), await maker.make(3)];
    expect(batches.map((batch) => batch?.count)).toEqual([4, 4, 1, undefined]);
    expect(batches.slice(0, 3).flatMap((batch) => [...batch!.labels])).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2]);
    expect(batches[2]!.images.length).toBe(192);
  });

  test('leave an unreadable image out and close the gap', async () => {
    const expected = copy(await (await evaluationMaker(await gradientTree(three, 2), { batchSize: 6 })).maker.make(0));
    const { maker } = await evaluationMaker(await gradientTree(three, 2, ['ant/000.png', 'bee/001.png']), { batchSize: 6 });
    const batch = (await maker.make(0))!;
    expect(batch.count).toBe(4);
    expect([...batch.labels]).toEqual([0, 1, 2, 2]);
    const kept = [1, 2, 4, 5].flatMap((place) => expected.images.slice(place * 192, place * 192 + 192));
    expectClose(batch.images, kept, tolerance.exact);
    expect(new Set(maker.takeUnreadable().map((image) => image.name))).toEqual(new Set(['ant/000.png', 'bee/001.png']));
  });

  test('may hold nothing at all', async () => {
    const { maker } = await evaluationMaker(await gradientTree(three, 2, ['ant/000.png', 'ant/001.png']), { batchSize: 2 });
    expect((await maker.make(0))!.count).toBe(0);
    expect((await maker.make(1))!.count).toBe(2);
  });
});
