import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { createTrainingLoader, type ImageDataset, openDataset, type Pixels } from '../../src/data/index.ts';
import { gradientImage, temporaryFolder, writeTar } from './image-tree.ts';

const pixelsOf = async (dataset: ImageDataset, i: number): Promise<Pixels> => (await dataset.read(i)) as Pixels;

/** 32 x 32 pixels that differ everywhere, by seed. */
const picture = (seed: number) => Uint8Array.from({ length: 3 * 1024 }, (_, i) => (i * 7 + seed * 31 + (i >> 5)) % 256);

/** CIFAR's planes of red, green and blue. */
const planes = (rgb: Uint8Array) =>
  Uint8Array.from({ length: 3072 }, (_, i) => rgb[3 * (i % 1024) + Math.floor(i / 1024)] as number);

const record = (label: readonly number[], seed: number) => Buffer.from([...label, ...planes(picture(seed))]);

const idxFile = (dimensions: readonly number[], bytes: readonly number[]) => {
  const head = Buffer.alloc(4 + 4 * dimensions.length);
  head.writeUInt32BE(0x0800 + dimensions.length, 0);
  for (const [i, n] of dimensions.entries()) head.writeUInt32BE(n, 4 + 4 * i);
  return Buffer.concat([head, Buffer.from(bytes)]);
};

describe('CIFAR binary files', () => {
  const cifar10 = async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'data_batch_1.bin'), Buffer.concat([record([3], 1), record([9], 2)]));
    await writeFile(join(folder, 'data_batch_2.bin'), record([0], 3));
    await writeFile(join(folder, 'test_batch.bin'), record([5], 4));
    await writeFile(
      join(folder, 'batches.meta.txt'),
      `${'airplane automobile bird cat deer dog frog horse ship truck'.split(' ').join('\n')}\n\n`,
    );
    return folder;
  };

  test('a folder gives its training or test half, pixels and classes', async () => {
    const folder = await cifar10();
    const train = await openDataset(folder);
    expect([train.length, train.classes[3], [0, 1, 2].map((i) => train.label(i))]).toEqual([3, 'cat', [3, 9, 0]]);
    expect(train.nameOf(2)).toBe('data_batch_2.bin/0');
    expect(await pixelsOf(train, 2)).toEqual({ data: picture(3), width: 32, height: 32 });
    await train.close();
    const test = await openDataset(folder, { split: 'test' });
    expect([test.length, test.label(0)]).toEqual([1, 5]);
    expect((await pixelsOf(test, 0)).data).toEqual(picture(4));
    await test.close();
  });

  test('CIFAR-100 gives its fine classes', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'train.bin'), record([7, 42], 1));
    const train = await openDataset(folder);
    expect([train.classes.length, train.label(0)]).toEqual([100, 42]);
    expect((await pixelsOf(train, 0)).data).toEqual(picture(1));
    await train.close();
  });

  test('the same images in the same order make the same batches as PNG files do', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'bin'));
    await writeFile(
      join(folder, 'bin', 'data_batch_1.bin'),
      Buffer.concat([0, 1, 2, 3].map((i) => record([Math.floor(i / 2)], i))),
    );
    for (const i of [0, 1, 2, 3]) {
      const file = join(folder, 'png', String(Math.floor(i / 2)), `${i}.png`);
      await mkdir(join(file, '..'), { recursive: true });
      await writeFile(
        file,
        await sharp(picture(i), { raw: { width: 32, height: 32, channels: 3 } })
          .png()
          .toBuffer(),
      );
    }
    const batches = await Promise.all(
      ['bin', 'png'].map(async (name) => {
        const dataset = await openDataset(join(folder, name));
        const loader = createTrainingLoader(dataset, { imageSize: 24, batchSize: 6, seed: 5 });
        const { images, labels } = await loader.next();
        await loader.close();
        return [Array.from(images), Array.from(labels)];
      }),
    );
    expect(batches[0]).toEqual(batches[1]);
  });

  test.each([
    ['cut off', Buffer.concat([record([1], 1), Buffer.from([2])])],
    ['empty', Buffer.alloc(0)],
    ['with a class that is none', record([10], 1)],
  ])('a file that is %s is named', async (_name, bytes) => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'data_batch_1.bin'), bytes);
    await expect(openDataset(folder)).rejects.toMatchObject({
      code: 'damaged-file',
      message: expect.stringContaining('data_batch_1.bin'),
    });
  });

  test('a half that is not there is named', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'data_batch_1.bin'), record([1], 1));
    await expect(openDataset(folder, { split: 'test' })).rejects.toMatchObject({
      code: 'missing-path',
      message: expect.stringContaining('test_batch.bin'),
    });
  });
});

describe('IDX files', () => {
  const write = async (gzipped: boolean, labels = [2, 0]) => {
    const folder = await temporaryFolder();
    const put = (name: string, bytes: Buffer) =>
      writeFile(join(folder, gzipped ? `${name}.gz` : name), gzipped ? gzipSync(bytes) : bytes);
    await put('train-images-idx3-ubyte', idxFile([2, 2, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]));
    await put('train-labels-idx1-ubyte', idxFile([labels.length], labels));
    return folder;
  };

  test.each([true, false])('gray images become RGB, gzipped: %s', async (gzipped) => {
    const dataset = await openDataset(await write(gzipped));
    expect([dataset.length, dataset.classes, dataset.label(0), dataset.label(1)]).toEqual([2, ['0', '1', '2'], 2, 0]);
    const { data, width, height } = await pixelsOf(dataset, 1);
    expect([width, height, [...data]]).toEqual([3, 2, [7, 7, 7, 8, 8, 8, 9, 9, 9, 10, 10, 10, 11, 11, 11, 12, 12, 12]]);
    await dataset.close();
  });

  test('labels of another number, a file cut off, and a half that is not there are named', async () => {
    await expect(openDataset(await write(false, [1, 2, 3]))).rejects.toMatchObject({
      code: 'damaged-file',
      message: expect.stringMatching(/expected 2 labels/),
    });
    const folder = await write(false);
    await expect(openDataset(folder, { split: 'test' })).rejects.toMatchObject({ code: 'missing-path' });
    await writeFile(join(folder, 'train-images-idx3-ubyte'), idxFile([2, 2, 3], [1, 2, 3]));
    await expect(openDataset(folder)).rejects.toMatchObject({
      code: 'damaged-file',
      message: expect.stringMatching(/28 bytes, got 19/),
    });
  });
});

describe('IDX files by other names', () => {
  const images = idxFile([2, 2, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  const labels = idxFile([2], [2, 0]);
  const write = async (files: Readonly<Record<string, Buffer | string>>) => {
    const folder = await temporaryFolder();
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
    return folder;
  };

  test.each([
    ['unzipped under the name of the zipped', 'train-images-idx3-ubyte.gz', 'train-labels-idx1-ubyte.gz'],
    ['with a dot', 'train-images.idx3-ubyte', 'train-labels.idx1-ubyte'],
    ['with a prefix, as EMNIST has', 'emnist-letters-train-images-idx3-ubyte', 'emnist-letters-train-labels-idx1-ubyte'],
  ])('%s', async (_name, imagesName, labelsName) => {
    const dataset = await openDataset(await write({ [imagesName]: images, [labelsName]: labels }));
    expect([dataset.length, dataset.label(0)]).toEqual([2, 2]);
  });

  test('a file is known by its first bytes', async () => {
    const folder = await write({ 'my-images': images, 'my-labels': labels });
    const dataset = await openDataset(join(folder, 'my-images'));
    expect([dataset.length, dataset.label(0), (await pixelsOf(dataset, 0)).data[0]]).toEqual([2, 2, 1]);
    await expect(openDataset(join(folder, 'my-labels'))).rejects.toMatchObject({ code: 'damaged-file' });
  });

  test('classes are named by a list beside them, which must reach', async () => {
    const files = { 'train-images-idx3-ubyte': images, 'train-labels-idx1-ubyte': labels };
    const dataset = await openDataset(await write({ ...files, 'classes.txt': 'shirt\ncoat\nbag\n' }));
    expect([dataset.classes, dataset.classes[dataset.label(0)]]).toEqual([['shirt', 'coat', 'bag'], 'bag']);
    await expect(openDataset(await write({ ...files, 'classes.txt': 'shirt\ncoat\n' }))).rejects.toMatchObject({
      code: 'no-classes',
    });
  });

  test.each([
    [
      'two files of images',
      { 'a-train-images-idx3-ubyte': images, 'b-train-images-idx3-ubyte': images },
      'unknown-format',
      /Name one/,
    ],
    ['no labels', { 'train-images-idx3-ubyte': images }, 'missing-path', /train-labels-idx1-ubyte/],
    [
      'no images in the file',
      { 'train-images-idx3-ubyte': idxFile([0, 2, 3], []), 'train-labels-idx1-ubyte': idxFile([0], []) },
      'damaged-file',
      /empty/,
    ],
    [
      'floats',
      { 'train-images-idx3-ubyte': Buffer.concat([Buffer.from([0, 0, 13, 3]), images.subarray(4)]) },
      'damaged-file',
      /first bytes/,
    ],
    ['a zipped file cut off', { 'train-images-idx3-ubyte.gz': gzipSync(images).subarray(0, 20) }, 'damaged-file', /unzipped/],
  ] as const)('%s is refused', async (_name, files, code, message) => {
    await expect(openDataset(await write(files))).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

describe('WebDataset shards', () => {
  const shards = async (files: Readonly<Record<string, Readonly<Record<string, Buffer>>>>) => {
    const folder = await temporaryFolder();
    for (const [name, members] of Object.entries(files)) await writeTar(join(folder, name), members);
    return folder;
  };
  const text = (value: string) => Buffer.from(value);

  test('a folder, braces, a star and a single shard; numbers are named by classes.txt', async () => {
    const image = await gradientImage(1);
    const other = await gradientImage(2);
    const folder = await shards({
      's-00.tar': { '0001.png': image, '0001.cls': text('1\n'), 'a/0002.seg.png': other, 'a/0002.cls': text('0') },
      's-01.tar': { 'x.png': other, 'x.json': text('{"label": 1, "text": "a dog"}') },
    });
    await writeFile(join(folder, 'classes.txt'), 'cat\ndog\n');
    for (const path of [folder, join(folder, 's-{00..01}.tar'), join(folder, 's-*.tar')]) {
      const dataset = await openDataset(path);
      expect([dataset.classes, dataset.length, [0, 1, 2].map((i) => dataset.label(i))]).toEqual([['cat', 'dog'], 3, [1, 0, 1]]);
      expect(dataset.nameOf(2)).toBe('s-01.tar/x.png');
      expect(await dataset.read(0)).toEqual(image);
      expect(await dataset.read(2)).toEqual(other);
      await dataset.close();
    }
    const one = await openDataset(join(folder, 's-00.tar'));
    expect([one.length, one.classes]).toEqual([2, ['cat', 'dog']]);
    await one.close();
  });

  test('names are classes; an image without a label is left out and named', async () => {
    const image = await gradientImage(1);
    const folder = await shards({
      'a.tar': { '1.png': image, '1.cls': text('dog'), '2.png': image, '3.png': image, '3.cls': text('cat') },
    });
    const dataset = await openDataset(folder);
    expect([dataset.classes, dataset.length]).toEqual([['cat', 'dog'], 2]);
    expect(dataset.leftOut).toEqual([{ name: 'a.tar/2.png', reason: expect.stringContaining('2.cls') }]);
  });

  test('a class beyond the list, a missing shard, and shards without labels are errors', async () => {
    const image = await gradientImage(1);
    const folder = await shards({ 'a.tar': { '1.png': image, '1.cls': text('7') } });
    await writeFile(join(folder, 'classes.json'), '["cat", "dog"]');
    await expect(openDataset(folder)).rejects.toMatchObject({
      code: 'no-classes',
      message: expect.stringContaining('a.tar/1.png'),
    });
    await expect(openDataset(join(folder, 'b-*.tar'))).rejects.toMatchObject({ code: 'missing-path' });
    await expect(openDataset(join(folder, 'a-{0..1}.tar'))).rejects.toThrow(/a-0\.tar/);
    const bare = await shards({ 'a.tar': { '1.png': image }, 'b.tar': { '2.png': image } });
    await expect(openDataset(bare)).rejects.toMatchObject({ code: 'no-images' });
  });

  test('batches are made of them in a worker, across shards', async () => {
    const members = async (seed: number) => ({
      'a.png': await gradientImage(seed),
      'a.cls': text('0'),
      'b.png': await gradientImage(seed + 1),
      'b.cls': text('1'),
    });
    const dataset = await openDataset(await shards({ '0.tar': await members(0), '1.tar': await members(2) }));
    const loader = createTrainingLoader(dataset, { imageSize: 16, batchSize: 8, seed: 1 });
    const { count, labels } = await loader.next();
    expect([count, Array.from(labels).reduce((sum, label) => sum + label, 0)]).toEqual([8, 4]);
    expect(loader.unreadable).toEqual([]);
    await loader.close();
  });
});

describe('a module of the user', () => {
  const write = async (source: string) => {
    const file = join(await temporaryFolder(), 'mine.mjs');
    await writeFile(file, source);
    return file;
  };

  test('gives pixels, gray or RGB, by split, also in the loader’s thread', async () => {
    const file = await write(`export default async ({ split }) => split === 'test' ? null : {
      classes: ['dark', 'bright'], length: 10, label: (i) => i % 2, name: (i) => 'image ' + i,
      read: async (i) => ({ width: 8, height: 8, data: new Uint8Array(i < 5 ? 64 : 192).fill(i % 2 ? 255 : 0) }),
    };`);
    const dataset = await openDataset(file);
    expect([dataset.length, dataset.classes, dataset.nameOf(3)]).toEqual([10, ['dark', 'bright'], 'image 3']);
    expect((await pixelsOf(dataset, 1)).data).toEqual(new Uint8Array(192).fill(255));
    const loader = createTrainingLoader(dataset, {
      imageSize: 8,
      batchSize: 10,
      seed: 1,
      normalisation: { mean: [0, 0, 0], std: [1, 1, 1] },
    });
    const { images, labels } = await loader.next();
    expect(Array.from({ length: 10 }, (_, i) => Math.round(images[i * 192] as number))).toEqual(Array.from(labels));
    await loader.close();
    await expect(openDataset(file, { split: 'test' })).rejects.toMatchObject({
      code: 'no-images',
      message: expect.stringContaining('"test"'),
    });
  });

  test('an image that cannot be read is named, and another takes its place', async () => {
    const file = await write(`export default () => ({ classes: ['a'], length: 3, label: () => 0,
      read(i) { if (i === 1) throw new Error('lost'); return { width: 4, height: 4, data: new Uint8Array(i === 2 ? 17 : 48) }; } });`);
    const loader = createTrainingLoader(await openDataset(file), { imageSize: 4, batchSize: 6, seed: 1 });
    expect((await loader.next()).count).toBe(6);
    expect(new Set(loader.unreadable.map(({ reason }) => reason.split(' ')[0]))).toEqual(new Set(['lost', 'its']));
    await loader.close();
  });

  test.each([
    ['that does not load', 'export default (', /cannot be loaded/],
    ['without a function', 'export default 3;', /no function/],
    ['without classes', 'export default () => ({ length: 1, label() {}, read() {} });', /classes/],
    [
      'whose labels are names',
      "export default () => ({ classes: ['a'], length: 1, label: () => 'a', read() {} });",
      /label\(0\) is a/,
    ],
    ['without labels', "export default () => ({ classes: ['a'], length: 1, label() {}, read() {} });", /label\(0\) is undefined/],
    [
      'whose labels are none',
      "export default () => ({ classes: ['a'], length: 2, label: (i) => i, read() {} });",
      /label\(1\) is 1/,
    ],
  ])('%s is refused', async (_name, source, message) => {
    const file = await write(source);
    await expect(openDataset(file)).rejects.toMatchObject({ code: 'bad-module', message: expect.stringMatching(message) });
  });
});

describe('what nothing is known of says what could be there', () => {
  const known = /a folder of images per class; a tar.*WebDataset.*CIFAR.*IDX.*module/;

  const beside = (name: string, content: string | Buffer) => async (folder: string) => {
    await writeFile(join(folder, name), content);
    return folder;
  };
  const file = (name: string, content: string | Buffer) => async (folder: string) =>
    join(await beside(name, content)(folder), name);

  test.each([
    ['nothing', 'missing-path', async (folder: string) => join(folder, 'nothing')],
    ['an empty folder', 'no-classes', async (folder: string) => folder],
    ['a folder of other things', 'no-classes', beside('notes.txt', 'x')],
    ['a text', 'unknown-format', file('notes.txt', 'x')],
    ['one image', 'unknown-format', file('1.png', Buffer.from('\x89PNG\r\n', 'latin1'))],
    ['an empty file', 'unknown-format', file('x.bin', '')],
  ])('%s', async (_what, code, prepare) => {
    const path = await prepare(await temporaryFolder());
    const error = (await openDataset(path).catch((reason: Error) => reason)) as Error;
    expect(error).toMatchObject({ name: 'DataError', code, message: expect.stringMatching(known) });
    expect(error.message).toContain(path);
    expect(error.message).not.toContain('\n');
  });

  test('a tar without an ending is known by its first bytes', async () => {
    const file = join(await temporaryFolder(), 'images');
    await writeTar(file, { 'cat/1.png': await gradientImage(1) });
    expect((await openDataset(file)).classes).toEqual(['cat']);
  });
});
