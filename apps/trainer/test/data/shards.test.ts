import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { createTrainingLoader, type ImageDataset, openDataset } from '../../src/data/index.ts';
import { gradientImage, type Tree, temporaryFolder, writeTar } from './image-tree.ts';

const text = (value: string) => Buffer.from(value);
const write = async (shards: Readonly<Record<string, Tree>>, folder?: string) => {
  const into = folder ?? (await temporaryFolder());
  for (const [name, members] of Object.entries(shards)) await writeTar(join(into, name), members);
  return into;
};
const sample = async (key: string, label: string, seed = 1): Promise<Tree> => ({
  [`${key}.png`]: await gradientImage(seed),
  [`${key}.cls`]: text(label),
});
const summary = (dataset: ImageDataset) =>
  Array.from({ length: dataset.length }, (_, i) => `${dataset.nameOf(i)} ${dataset.classes[dataset.label(i)]}`);
const opened = async (path: string, split?: 'train' | 'test') => summary(await openDataset(path, split && { split }));

describe('which shards', () => {
  const three = async () =>
    write({ 's-08.tar': await sample('a', 'x'), 's-09.tar': await sample('b', 'y'), 's-10.tar': await sample('c', 'x') });
  const all = ['s-08.tar/a.png x', 's-09.tar/b.png y', 's-10.tar/c.png x'];

  test.each([
    ['s-{08..10}.tar', all],
    ['s-{10..08}.tar', all.toReversed()],
    ['s-{09,10}.tar', all.slice(1)],
    ['s-{0,1}{0,9}.tar', undefined],
    ['s-{0,1}?.tar', all],
    ['s-*.tar', all],
    ['*.{tar,tgz}', undefined],
    ['s-0[89].tar', all.slice(0, 2)],
    ['{s,s}-08.tar', all.slice(0, 1)],
  ])('%s', async (pattern, expected) => {
    const path = join(await three(), pattern);
    if (expected) expect(await opened(path)).toEqual(expected);
    else
      await expect(openDataset(path)).rejects.toMatchObject({
        code: 'missing-path',
        message: expect.stringContaining('there is no'),
      });
  });

  test('braces and stars may stand for folders', async () => {
    const folder = await temporaryFolder();
    for (const [i, name] of ['part0', 'part1'].entries()) {
      await mkdir(join(folder, name));
      await write({ 'a.tar': await sample('k', String(i)) }, join(folder, name));
    }
    for (const pattern of ['part{0..1}/a.tar', 'part*/*.tar', '*/a.tar'])
      expect(await opened(join(folder, pattern))).toEqual(['a.tar/k.png 0', 'a.tar/k.png 1']);
  });

  test('a shard that braces name and that is not there is named', async () => {
    const path = join(await three(), 's-{08..12}.tar');
    await expect(openDataset(path)).rejects.toMatchObject({
      code: 'missing-path',
      message: expect.stringMatching(/there is no .*s-11\.tar nor 1 others/),
    });
  });

  test('a file whose own name has braces is that file', async () => {
    const folder = await write({ 'a.tar': await sample('k', 'x') });
    await rename(join(folder, 'a.tar'), join(folder, 'a{1}.tar'));
    expect(await opened(join(folder, 'a{1}.tar'))).toEqual(['a{1}.tar/k.png x']);
  });

  test('a folder gives the half that its names tell', async () => {
    const folder = await write({
      'set-train-0.tar': await sample('a', 'x'),
      'set-train-1.tar': await sample('b', 'y'),
      'set-val-0.tar': { ...(await sample('c', 'x')), ...(await sample('d', 'y')) },
    });
    expect(await opened(folder)).toEqual(['set-train-0.tar/a.png x', 'set-train-1.tar/b.png y']);
    expect(await opened(folder, 'test')).toEqual(['set-val-0.tar/c.png x', 'set-val-0.tar/d.png y']);
  });

  test('an archive beside the class folders that were unpacked from it is passed over', async () => {
    const folder = await write({ 'train.tar': await sample('a', 'x') });
    await mkdir(join(folder, 'cat'));
    await writeFile(join(folder, 'cat', '1.png'), await gradientImage(1));
    expect(await opened(folder)).toEqual(['cat/1.png cat']);
  });

  test('a shard that is cut off or compressed is named', async () => {
    const folder = await write({ 'a.tar': await sample('a', 'x') });
    await writeFile(join(folder, 'b.tar'), text('this is no archive'));
    await expect(openDataset(folder)).rejects.toMatchObject({ code: 'not-a-tar', message: expect.stringContaining('b.tar') });
  });
});

describe('what is in them', () => {
  test('JPEG, PNG, WebP and GIF; the plain name before others; space round a label', async () => {
    const picture = await gradientImage(3);
    const [jpeg, webp, gif] = await Promise.all([
      sharp(picture).jpeg().toBuffer(),
      sharp(picture).webp({ lossless: true }).toBuffer(),
      sharp(picture).gif().toBuffer(),
    ]);
    const folder = await write({
      'a.tar': {
        '1.JPG': jpeg, '1.cls': text('0\n'),
        '2.mask.png': gif, '2.webp': webp, '2.cls': text(' 1'),
        'deep/3.cls': text('0'), 'deep/3.gif': gif,
        'deep/3.txt': text('a caption'),
      },
    }); // biome-ignore format: a table
    const dataset = await openDataset(folder);
    expect(summary(dataset)).toEqual(['a.tar/1.JPG 0', 'a.tar/2.webp 1', 'a.tar/deep/3.gif 0']);
    expect(await dataset.read(1)).toEqual(webp);
    const loader = createTrainingLoader(dataset, { imageSize: 16, batchSize: 3, seed: 1 });
    expect((await loader.next()).count).toBe(3);
    expect(loader.unreadable).toEqual([]);
    await loader.close();
    await dataset.close();
  });

  test('labels of .json files: a number, a name, or a number and its name', async () => {
    const image = await gradientImage(1);
    const labels = ['{"label": 1, "class_name": "dog"}', '{"cls": 0, "class_name": "cat", "width": 24}', '{"class": "1"}'];
    const members = Object.fromEntries(labels.flatMap((json, i) => [[`${i}.png`, image], [`${i}.json`, text(json)]])); // biome-ignore format: one line
    expect(await opened(await write({ 'a.tar': members }))).toEqual(['a.tar/0.png dog', 'a.tar/1.png cat', 'a.tar/2.png dog']);
    const named = await write({ 'a.tar': { '1.png': image, '1.json': text('{"class_name": "owl"}') } });
    expect(await opened(named)).toEqual(['a.tar/1.png owl']);
    // A number in .cls, its name in .json.
    const both = await write({ 'a.tar': { ...(await sample('1', '0')), '1.json': text('{"class_name": "owl"}') } });
    expect(await opened(both)).toEqual(['a.tar/1.png owl']);
  });

  test.each([
    ['no label', {}],
    ['an empty .cls', { '2.cls': text(' \n') }],
    ['a .json without a label', { '2.json': text('{"caption": "a dog", "label": null}') }],
    ['a .json that is none', { '2.json': text('{"label": 1') }],
  ])('an image with %s is left out and named', async (_what, members) => {
    const folder = await write({ 'a.tar': { ...(await sample('1', 'x')), '2.png': await gradientImage(2), ...members } });
    const dataset = await openDataset(folder);
    expect(summary(dataset)).toEqual(['a.tar/1.png x']);
    expect(dataset.leftOut).toEqual([{ name: 'a.tar/2.png', reason: expect.stringContaining('2.cls') }]);
  });

  test('a label without an image is left out and named', async () => {
    const dataset = await openDataset(await write({ 'a.tar': { ...(await sample('1', 'x')), '2.cls': text('y') } }));
    expect(dataset.classes).toEqual(['x']);
    expect(dataset.leftOut).toEqual([{ name: 'a.tar/2.cls', reason: expect.stringContaining('no image') }]);
  });

  test('a tree in a tar stays one, whatever description lies in it', async () => {
    const image = await gradientImage(1);
    const tree = {
      'info.json': text('{"label": 3}'),
      'cat/1.png': image,
      'dog/1.png': image,
      'dog/notes.json': text('{"label": 1}'),
    };
    expect(await opened(join(await write({ 'a.tar': tree }), 'a.tar'))).toEqual(['cat/1.png cat', 'dog/1.png dog']);
  });

  test('more shards than files may be open at once', { timeout: 60_000 }, async () => {
    const shards = Object.fromEntries(await Promise.all(Array.from({ length: 300 }, async (_, i) => [`${String(i).padStart(3, '0')}.tar`, await sample('a', String(i % 3), i)]))); // biome-ignore format: one line
    const dataset = await openDataset(await write(shards as Readonly<Record<string, Tree>>));
    const descriptors = async () => (await readdir('/proc/self/fd').catch(() => [])).length;
    const before = await descriptors();
    for (let round = 0; round < 2; round++) {
      const files = await Promise.all(Array.from({ length: 300 }, (_, i) => dataset.read(i)));
      for (const [i, file] of files.entries()) expect(file).toEqual(await gradientImage(i));
      expect((await descriptors()) - before).toBeLessThan(140);
    }
    await dataset.close();
    expect(await descriptors()).toBe(before);
  });
});
