import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type ImageDataset, openDataset } from '../../src/data/index.ts';
import { fileOf, gradientTree, plainImage, temporaryFolder, writeTar, writeTree } from './image-tree.ts';

const contents = async (dataset: ImageDataset) => {
  const all = [];
  for (let i = 0; i < dataset.length; i++)
    all.push([dataset.nameOf(i), dataset.label(i), (await fileOf(dataset, i)).toString('base64')]);
  return all;
};

describe('openDataset', () => {
  test('finds the same images in a tree and in an archive of it', async () => {
    const folder = await temporaryFolder();
    const tree = await gradientTree(['dog', 'ant', 'cat'], 3);
    const fromTree = await openDataset(await writeTree(join(folder, 'tree'), tree));
    const shuffled = Object.fromEntries(Object.entries(tree).reverse());
    const fromTar = await openDataset(await writeTar(join(folder, 'tree.tar'), shuffled));
    expect(fromTree.classes).toEqual(['ant', 'cat', 'dog']);
    expect(fromTree.length).toBe(9);
    expect(fromTar.classes).toEqual(fromTree.classes);
    expect(await contents(fromTar)).toEqual(await contents(fromTree));
    for (let i = 0; i < 9; i++) expect(tree[fromTree.nameOf(i)]).toEqual(await fromTar.read(i));
    await fromTar.close();
    await fromTar.close();
  });

  test('strips folders above the classes, with long names and empty classes in the archive', async () => {
    const folder = await temporaryFolder();
    const long = 'x'.repeat(120);
    const image = await plainImage('red');
    const file = await writeTar(join(folder, 'a.tar'), {
      './set/': Buffer.alloc(0),
      './set/train/': Buffer.alloc(0),
      './set/train/empty/': Buffer.alloc(0),
      [`./set/train/cat/${long}/${long}.png`]: image,
      './set/train/dog/1.png': await plainImage('blue'),
    });
    const dataset = await openDataset(file);
    expect(dataset.classes).toEqual(['cat', 'dog', 'empty']);
    expect(dataset.nameOf(0)).toBe(`set/train/cat/${long}/${long}.png`);
    expect(await dataset.read(0)).toEqual(image);
    await dataset.close();
  });

  test('takes .jpg, .jpeg, .png, .webp, .gif in any case, and nothing hidden or else', async () => {
    const image = await plainImage('red');
    const names = [
      '1.jpg',
      '2.JPEG',
      '3.Png',
      '4.jpeg',
      '5.gif',
      '6.WebP',
      '7.txt',
      '8.bmp',
      '9.jpg.part',
      '._1.jpg',
      '.hidden.png',
      'jpg',
    ];
    const tree = Object.fromEntries([
      ...names.map((name) => [`cat/${name}`, image]),
      ['dog/1.jpg', image],
      ['.git/1.jpg', image],
    ]);
    const folder = await temporaryFolder();
    const taken = ['cat/1.jpg', 'cat/2.JPEG', 'cat/3.Png', 'cat/4.jpeg', 'cat/5.gif', 'cat/6.WebP', 'dog/1.jpg'];
    for (const path of [await writeTree(join(folder, 'tree'), tree), await writeTar(join(folder, 'a.tar'), tree)]) {
      const dataset = await openDataset(path);
      expect(Array.from({ length: dataset.length }, (_, i) => dataset.nameOf(i))).toEqual(taken);
      expect(dataset.classes).toEqual(['cat', 'dog']);
    }
  });

  test('follows links to images and folders, but not upwards and not into nothing', async () => {
    const folder = await temporaryFolder();
    await writeTree(folder, await gradientTree(['store/cat'], 2));
    await mkdir(join(folder, 'tree/dog'), { recursive: true });
    await symlink(join(folder, 'store/cat'), join(folder, 'tree/cat'));
    await symlink(join(folder, 'store/cat/000.png'), join(folder, 'tree/dog/1.png'));
    await symlink(join(folder, 'tree'), join(folder, 'tree/dog/up'));
    await symlink(join(folder, 'nowhere'), join(folder, 'tree/dog/2.png'));
    const dataset = await openDataset(join(folder, 'tree'));
    expect(Array.from({ length: dataset.length }, (_, i) => dataset.nameOf(i))).toEqual([
      'cat/000.png',
      'cat/001.png',
      'dog/1.png',
    ]);
  });

  test.each([
    ['missing-path', async (folder: string) => join(folder, 'nowhere')],
    ['no-classes', async (folder: string) => folder],
    ['no-classes', async (folder: string) => writeTree(folder, { '1.png': await plainImage('red') })],
    ['no-images', async (folder: string) => writeTree(folder, { 'cat/': Buffer.alloc(0), 'dog/notes.txt': Buffer.from('none') })],
    ['no-classes', async (folder: string) => writeTar(join(folder, 'empty.tar'), {})],
  ])('fails with %s where that is the case (%#)', async (code, prepare) => {
    const path = await prepare(await temporaryFolder());
    const error = await openDataset(path).catch((reason: Error) => reason);
    expect(error).toMatchObject({ name: 'DataError', code });
    expect((error as Error).message).toContain(path);
    expect((error as Error).message).not.toContain('\n');
  });

  test('says of what is no archive that it is none', async () => {
    const folder = await temporaryFolder();
    const file = await writeTar(join(folder, 'whole.tar'), await gradientTree(['cat', 'dog'], 2));
    const { readFile } = await import('node:fs/promises');
    const whole = await readFile(file);
    const wrong = {
      'text.tar': Buffer.from('not an archive at all, only text '.repeat(40)),
      'short.tar': Buffer.from('x'),
      'zipped.tar.gz': gzipSync(whole),
      'cut.tar': whole.subarray(0, 700),
    };
    for (const [name, content] of Object.entries(wrong)) {
      await writeFile(join(folder, name), content);
      await expect(openDataset(join(folder, name)), name).rejects.toMatchObject({ code: 'not-a-tar' });
    }
  });

  test('a file that shrank after it was listed fails to read', async () => {
    const folder = await temporaryFolder();
    const file = await writeTar(join(folder, 'a.tar'), await gradientTree(['cat', 'dog'], 2));
    const dataset = await openDataset(file);
    await writeFile(file, Buffer.alloc(600));
    await expect(dataset.read(3)).rejects.toThrow(/a\.tar ends within it/);
    await dataset.close();
  });
});
