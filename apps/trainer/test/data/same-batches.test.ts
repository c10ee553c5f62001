import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { createBatchMaker } from '../../src/data/batch-maker.ts';
import { evaluationCourse } from '../../src/data/evaluation-course.ts';
import { decode, type ImageDataset, openDataset, type Pixels } from '../../src/data/index.ts';
import { evaluationPlan, trainingPlan } from '../../src/data/loader-options.ts';
import { trainingCourse } from '../../src/data/training-course.ts';
import { type Tree, temporaryFolder, writeTar, writeTree } from './image-tree.ts';

/** An image and its class, before it is written in one format or another. */
interface Example {
  readonly pixels: Pixels;
  readonly label: number;
}

const classes = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];
const name = (i: number) => String(i).padStart(6, '0');

const png = ({ data, width, height }: Pixels) =>
  sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();

/** A folder per class, whose order is that of the examples if those are sorted by class. */
const tree = async (examples: readonly Example[]): Promise<Tree> => {
  const files = await Promise.all(
    examples.map(async ({ pixels, label }, i) => [`${classes[label]}/${name(i)}.png`, await png(pixels)] as const),
  );
  return Object.fromEntries([...classes.map((one) => [`${one}/`, Buffer.alloc(0)] as const), ...files]);
};

const shards = async (examples: readonly Example[], folder: string): Promise<string> => {
  const perShard = Math.ceil(examples.length / 3);
  for (let shard = 0; shard < 3; shard++) {
    const members: Record<string, Buffer> = {};
    for (let i = shard * perShard; i < Math.min(examples.length, (shard + 1) * perShard); i++) {
      members[`${name(i)}.png`] = await png(examples[i]!.pixels);
      members[`${name(i)}.cls`] = Buffer.from(String(examples[i]!.label));
    }
    await writeTar(join(folder, `shard-${name(shard)}.tar`), members);
  }
  await writeFile(join(folder, 'classes.txt'), classes.join('\n'));
  return join(folder, 'shard-{000000..000002}.tar');
};

const cifar = async (examples: readonly Example[], folder: string): Promise<string> => {
  const records = examples.map(({ pixels: { data }, label }) => {
    const planes = [0, 1, 2].map((c) => data.filter((_, i) => i % 3 === c));
    return Buffer.concat([Buffer.from([label]), ...planes]);
  });
  const half = Math.ceil(examples.length / 2);
  await writeFile(join(folder, 'data_batch_1.bin'), Buffer.concat(records.slice(0, half)));
  await writeFile(join(folder, 'data_batch_2.bin'), Buffer.concat(records.slice(half)));
  await writeFile(join(folder, 'batches.meta.txt'), classes.join('\n'));
  return folder;
};

/** For gray ones. */
const idx = async (examples: readonly Example[], folder: string): Promise<string> => {
  const { width, height } = examples[0]!.pixels;
  const head = Buffer.from(Uint32Array.of(0x0803, examples.length, height, width).buffer).swap32();
  const labels = Buffer.from(Uint32Array.of(0x0801, examples.length).buffer).swap32();
  const gray = examples.map(({ pixels: { data } }) => data.filter((_, i) => i % 3 === 0));
  await writeFile(join(folder, 'train-images-idx3-ubyte.gz'), gzipSync(Buffer.concat([head, ...gray])));
  await writeFile(
    join(folder, 'train-labels-idx1-ubyte'),
    Buffer.concat([labels, Buffer.from(examples.map(({ label }) => label))]),
  );
  await writeFile(join(folder, 'classes.json'), JSON.stringify(classes));
  return folder;
};

/** The same examples in every format, by name. */
async function everywhere(examples: readonly Example[]): Promise<Readonly<Record<string, ImageDataset>>> {
  const folder = await temporaryFolder();
  const within = async (part: string) => {
    await mkdir(join(folder, part));
    return join(folder, part);
  };
  const isGray = examples.every(({ pixels: { data } }) => data.every((v, i) => v === data[i - (i % 3)]));
  const isCifar = examples.every(({ pixels: { width, height } }) => width === 32 && height === 32);
  const paths = {
    folder: await writeTree(join(folder, 'tree'), await tree(examples)),
    tar: await writeTar(join(folder, 'tree.tar'), await tree(examples)),
    webdataset: await shards(examples, await within('shards')),
    ...(isCifar ? { cifar: await cifar(examples, await within('cifar')) } : {}),
    ...(isGray ? { idx: await idx(examples, await within('idx')) } : {}),
  };
  const opened = await Promise.all(Object.entries(paths).map(async ([key, path]) => [key, await openDataset(path)] as const));
  return Object.fromEntries(opened);
}

/** Three training batches and a pass of evaluation, all values of them, made as in a loader's worker. */
async function batchesOf(dataset: ImageDataset, imageSize: number) {
  const training = trainingPlan({ imageSize, batchSize: 7, seed: 3 });
  const evaluation = evaluationPlan({ imageSize, batchSize: 50 });
  const batches: unknown[] = [];
  for (const [plan, course, steps] of [
    [training, trainingCourse(dataset.length, training), 3],
    [evaluation, evaluationCourse(dataset.length, evaluation), Math.ceil(dataset.length / 50)],
  ] as const) {
    const maker = createBatchMaker(dataset, course, plan);
    for (let step = 0; step < steps; step++) {
      const { images, labels } = (await maker.make(step))!;
      const bytes = Buffer.from(images.buffer, images.byteOffset, images.byteLength);
      batches.push({ labels: [...labels], images: createHash('sha256').update(bytes).digest('hex') });
    }
    expect(maker.takeUnreadable()).toEqual([]);
  }
  return batches;
}

const synthetic = (extent: { readonly width: number; readonly height: number }, channels: 1 | 3): Example[] =>
  Array.from({ length: 20 }, (_, i) => {
    const data = Uint8Array.from({ length: 3 * extent.width * extent.height }, (_, at) => {
      const place = channels === 3 ? at : at - (at % 3);
      return (place * 13 + (place >> 4) * 7 + i * 29) % 256;
    });
    return { pixels: { data, ...extent }, label: Math.floor(i / 2) };
  });

describe('the same seed makes the same batches, to the bit, of the same images in every format', () => {
  test.each([
    ['32 x 32, colour', synthetic({ width: 32, height: 32 }, 3), ['folder', 'tar', 'webdataset', 'cifar']],
    ['28 x 28, gray', synthetic({ width: 28, height: 28 }, 1), ['folder', 'tar', 'webdataset', 'idx']],
  ])('%s', { timeout: 60_000 }, async (_what, examples, formats) => {
    const datasets = await everywhere(examples);
    expect(Object.keys(datasets)).toEqual(formats);
    // At 10 pixels, images are reduced to a short side of 20 first, those that come as pixels as well.
    for (const imageSize of [10, 24]) {
      const expected = await batchesOf(datasets['folder']!, imageSize);
      for (const [format, dataset] of Object.entries(datasets)) {
        expect(dataset.classes, format).toEqual(classes);
        expect(await batchesOf(dataset, imageSize), `${format} at ${imageSize}`).toEqual(expected);
      }
    }
    for (const dataset of Object.values(datasets)) await dataset.close();
  });
});

const real = join(
  process.env['SHAMPOO_DATA_DIR'] ?? fileURLToPath(new URL('../../../../../shared/data', import.meta.url)),
  'cifar10/test.tar',
);
if (!existsSync(real)) console.warn(`No CIFAR-10 at ${real} (SHAMPOO_DATA_DIR): the test on it is skipped.`);

describe.skipIf(!existsSync(real))('real images', () => {
  test('CIFAR-10 has the same pixels and batches as JPEG files in a tar and as binary files of what they decode to', {
    timeout: 60_000,
  }, async () => {
    const source = await openDataset(real);
    const chosen = Array.from({ length: 100 }, (_, i) => i * 100);
    const files = await Promise.all(chosen.map(async (i) => (await source.read(i)) as Buffer));
    const examples = await Promise.all(
      files.map(async (file, i) => ({ pixels: await decode(file, 1000), label: source.label(chosen[i]!) })),
    );
    await source.close();
    const folder = await temporaryFolder();
    const jpegs = await openDataset(
      await writeTar(
        join(folder, 'jpeg.tar'),
        Object.fromEntries(files.map((file, i) => [`${classes[examples[i]!.label]}/${name(i)}.jpg`, file])),
      ),
    );
    const binary = await openDataset(await cifar(examples, folder));
    expect(binary.classes).toEqual(jpegs.classes);
    for (const [i, { pixels, label }] of examples.entries()) {
      const { data, width, height } = (await binary.read(i)) as Pixels;
      expect([width, height, binary.label(i)]).toEqual([32, 32, label]);
      expect(Buffer.compare(data, pixels.data), `image ${i}`).toBe(0);
    }
    for (const imageSize of [12, 32]) expect(await batchesOf(binary, imageSize)).toEqual(await batchesOf(jpegs, imageSize));
    await Promise.all([jpegs.close(), binary.close()]);
  });
});
