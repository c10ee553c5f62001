import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkSameClasses, decode, openDataset } from '../../src/data/index.ts';
import { generateImages, imageClasses } from '../../src/images/index.ts';
import { fileOf, temporaryFolder } from '../data/image-tree.ts';

const few = { trainPerClass: 3, testPerClass: 2, size: 32 };

async function bytesBelow(folder: string) {
  const files: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile())
      files[join(entry.parentPath, entry.name).slice(folder.length)] = await readFile(
        join(entry.parentPath, entry.name),
        'base64',
      );
  }
  return files;
}

describe('generateImages', () => {
  test('writes an ImageFolder tree that openDataset reads, and tells how far it is', async () => {
    const folder = join(await temporaryFolder(), 'below', 'images');
    const told: [number, number][] = [];
    const images = await generateImages({ ...few, folder, onProgress: (done, total) => told.push([done, total]) });
    expect(images.isNew).toBe(true);
    expect(told).toEqual(Array.from({ length: 50 }, (_, i) => [i + 1, 50]));
    const [train, test] = [await openDataset(images.train), await openDataset(images.test)];
    expect([train.length, test.length]).toEqual([30, 20]);
    expect(train.classes).toEqual(imageClasses.map(({ name }) => name));
    expect(train.nameOf(0)).toBe('checked-square/000.jpg');
    checkSameClasses(train, test);
    const decoded = await decode(await fileOf(train, 7), 1000);
    expect([decoded.width, decoded.height]).toEqual([32, 32]);
  });

  test('gives the same files for the same options, others for another seed, and no image twice', async () => {
    const folder = await temporaryFolder();
    const of = async (name: string, seed: number) => {
      await generateImages({ ...few, folder: join(folder, name), seed });
      return bytesBelow(join(folder, name));
    };
    const [one, same, other] = [await of('one', 1), await of('same', 1), await of('other', 2)];
    expect(same).toEqual(one);
    for (const [name, bytes] of Object.entries(other)) expect(bytes).not.toBe(one[name]);
    const images = [...Object.values(one), ...Object.values(other)];
    expect(new Set(images).size).toBe(images.length);
  });

  test('does nothing where they are, and makes others in their place when the options change', async () => {
    const folder = join(await temporaryFolder(), 'images');
    await generateImages({ ...few, folder });
    const before = await bytesBelow(folder);
    expect((await generateImages({ ...few, folder, onProgress: () => expect.fail('nothing is to be done') })).isNew).toBe(false);
    expect((await generateImages({ ...few, folder, testPerClass: 1 })).isNew).toBe(true);
    const after = await bytesBelow(folder);
    expect(Object.keys(after).length).toBe(Object.keys(before).length - 10);
    expect(after['/test/plain-ring/000.jpg']).toBe(before['/test/plain-ring/000.jpg']);
  });

  test('removes what a killed process left, and nothing of one that runs', async () => {
    const folder = await temporaryFolder();
    const partial = (pid: number, host = hostname()) => `images.partial-${host}-${pid}-0`;
    // A process number beyond any that Linux gives out.
    const dead = 2 ** 30;
    for (const name of [partial(dead), partial(process.ppid), partial(dead, 'elsewhere')])
      await mkdir(join(folder, name, 'train'), { recursive: true });
    await generateImages({ ...few, folder: join(folder, 'images') });
    expect(new Set(await readdir(folder))).toEqual(new Set(['images', partial(process.ppid), partial(dead, 'elsewhere')]));
  });

  test('leaves nothing behind when it fails', async () => {
    const folder = await temporaryFolder();
    const stop = () => {
      throw new Error('stopped');
    };
    await expect(generateImages({ ...few, folder: join(folder, 'images'), onProgress: stop })).rejects.toThrow('stopped');
    expect(await readdir(folder)).toEqual([]);
  });

  test('touches nothing it has not made', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'thesis.txt'), 'irreplaceable');
    await expect(generateImages({ ...few, folder })).rejects.toMatchObject({ code: 'folder-in-use' });
    expect(await readdir(folder)).toEqual(['thesis.txt']);
    await expect(generateImages({ ...few, folder: join(folder, 'thesis.txt') })).rejects.toMatchObject({ code: 'folder-in-use' });
  });

  test('keeps what someone else puts there in the meantime', async () => {
    const folder = join(await temporaryFolder(), 'images');
    const intrude = (done: number, total: number) => {
      if (done < total) return;
      mkdirSync(folder);
      writeFileSync(join(folder, 'thesis.txt'), 'irreplaceable');
    };
    await expect(generateImages({ ...few, folder, onProgress: intrude })).rejects.toMatchObject({ code: 'folder-in-use' });
    expect(await readdir(folder)).toEqual(['thesis.txt']);
    expect(await readdir(join(folder, '..'))).toEqual(['images']);
  });

  test('called twice at once makes one folder, and both callers have it', async () => {
    const folder = join(await temporaryFolder(), 'images');
    const both = await Promise.all([generateImages({ ...few, folder }), generateImages({ ...few, folder })]);
    expect(both.filter(({ isNew }) => isNew).length).toBe(1);
    expect(await readdir(join(folder, '..'))).toEqual(['images']);
    expect((await openDataset(both[1]!.train)).length).toBe(30);
  });
});

test('mean colour says little about the class: its nearest-mean classifier stays below 40 %', async () => {
  const folder = join(await temporaryFolder(), 'images');
  const images = await generateImages({ folder, trainPerClass: 60, testPerClass: 30, size: 48 });
  const meansOf = async (path: string) => {
    const dataset = await openDataset(path);
    return Promise.all(
      Array.from({ length: dataset.length }, async (_, i) => {
        const { data } = await decode(await fileOf(dataset, i), 1000);
        const mean = [0, 1, 2].map(
          (channel) => data.reduce((sum, value, k) => (k % 3 === channel ? sum + value : sum), 0) / (data.length / 3),
        );
        return { label: dataset.label(i), mean };
      }),
    );
  };
  const [train, test] = [await meansOf(images.train), await meansOf(images.test)];
  const centres = imageClasses.map((_, label) => {
    const own = train.filter((image) => image.label === label);
    return [0, 1, 2].map((channel) => own.reduce((sum, { mean }) => sum + mean[channel]!, 0) / own.length);
  });
  const nearest = (mean: readonly number[]) => {
    const distances = centres.map((centre) => Math.hypot(...centre.map((value, i) => value - mean[i]!)));
    return distances.indexOf(Math.min(...distances));
  };
  const right = test.filter(({ label, mean }) => nearest(mean) === label).length / test.length;
  console.info(`Nearest class mean of mean colour: ${(100 * right).toFixed(1)} % of ${test.length} right.`);
  expect(right).toBeLessThan(0.4);
});
