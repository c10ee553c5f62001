import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { decodeMany } from '../../src/data/decode-many.ts';
import {
  checkSameClasses,
  createEvaluationLoader,
  createTrainingLoader,
  decode,
  openDataset,
  type Pixels,
} from '../../src/data/index.ts';
import { fileOf } from './image-tree.ts';

// Photographs lie beside the repository, or where SHAMPOO_DATA_DIR says.
const folder = process.env.SHAMPOO_DATA_DIR ?? fileURLToPath(new URL('../../../../../shared/data', import.meta.url));
const present = existsSync(folder);
if (!present) console.warn(`No real images at ${folder} (SHAMPOO_DATA_DIR): the tests on them are skipped.`);

describe.skipIf(!present)('real images', () => {
  test('CIFAR-10 as two archives: 50,000 and 10,000 images of the same ten classes', async () => {
    const [train, test] = await Promise.all(['train', 'test'].map((name) => openDataset(`${folder}/cifar10/${name}.tar`)));
    expect([train!.length, test!.length]).toEqual([50_000, 10_000]);
    expect(train!.classes).toEqual('airplane automobile bird cat deer dog frog horse ship truck'.split(' '));
    checkSameClasses(train!, test!);
    expect([train!.nameOf(5000), train!.label(5000)]).toEqual(['train/automobile/0000.jpg', 1]);
  });

  test('a thousand CIFAR-10 images have about the mean and deviation that are published for the set', async () => {
    const dataset = await openDataset(`${folder}/cifar10/train.tar`);
    const plain = { mean: [0, 0, 0] as const, std: [1, 1, 1] as const };
    const whole = { scale: [1, 1] as const, ratio: [1, 1] as const, mirror: 0 };
    const loader = createTrainingLoader(dataset, {
      imageSize: 32,
      batchSize: 1000,
      seed: 1,
      normalisation: plain,
      augmentation: whole,
    });
    onTestFinished(() => loader.close());
    const { images, labels } = await loader.next();
    for (const [channel, mean, deviation] of [
      [0, 0.4914, 0.247],
      [1, 0.4822, 0.2435],
      [2, 0.4465, 0.2616],
    ] as const) {
      const values = images.filter((_, i) => i % 3 === channel);
      const found = values.reduce((sum, v) => sum + v, 0) / values.length;
      // The mean of an image varies by about 0.12 from image to image, so that of a thousand by 0.004: five times that.
      expect(Math.abs(found - mean)).toBeLessThan(0.02);
      expect(Math.abs(Math.sqrt(values.reduce((sum, v) => sum + (v - found) ** 2, 0) / values.length) - deviation)).toBeLessThan(
        0.02,
      );
    }
    // A hundred of each class, give or take 6 standard deviations of 9.5.
    for (let label = 0; label < 10; label++) expect(Math.abs(labels.filter((l) => l === label).length - 100)).toBeLessThan(57);
  });

  test('CIFAR-10 images decoded together are the same to the bit as alone', async () => {
    const dataset = await openDataset(`${folder}/cifar10/test.tar`);
    onTestFinished(() => dataset.close());
    const files = await Promise.all(Array.from({ length: 256 }, (_, i) => fileOf(dataset, i * 39)));
    const together = await decodeMany(files, 64);
    for (const [i, file] of files.entries()) {
      const alone = await decode(file, 64);
      const { data, width, height } = together[i] as Pixels;
      expect([width, height, Buffer.compare(data, alone.data)]).toEqual([32, 32, 0]);
    }
  });

  test('all 100 photographs of the ImageNet sample are read, gray and odd ones included', async () => {
    const dataset = await openDataset(`${folder}/imagenet-sample`);
    const loader = createEvaluationLoader(dataset, { imageSize: 64, batchSize: 30 });
    onTestFinished(() => loader.close());
    const labels: number[] = [];
    for (let batch = await loader.next(); batch; batch = await loader.next()) {
      labels.push(...batch.labels);
      expect(batch.images.every(Number.isFinite)).toBe(true);
    }
    expect(loader.unreadable).toEqual([]);
    expect(labels).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });
});
