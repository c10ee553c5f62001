import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cudaWheels } from '../../src/provision/cuda-wheels.ts';
import { fetchTogether } from '../../src/provision/fetch-together.ts';
import type { Wheel } from '../../src/provision/wheels.ts';
import { archiveOf } from './archive.ts';
import { failureOf, fetching } from './fetching.ts';
import { sandbox } from './sandbox.ts';

const content = archiveOf({
  'engine/libengine.so': 'the library',
  'vendor/maths/lib/libmaths.so.1': 'mathematics',
  'vendor/maths/lib/libmore.so.2': 'more of it',
  'vendor/maths/include/maths.h': 'a header',
});
const sha256 = createHash('sha256').update(content).digest('hex');
const pinned = { version: '1.0', platform: 'any', sha256, downloadMegabytes: 1, unpackedMegabytes: 1 };
const engine: Wheel = { ...pinned, project: 'engine', members: ['engine/libengine.so'] };
const maths: Wheel = { ...pinned, project: 'maths', members: ['vendor/maths/lib/'] };
const files = ['engine/libengine.so', 'vendor/maths/lib/libmaths.so.1', 'vendor/maths/lib/libmore.so.2'];

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();

describe('wheels that are fetched together', () => {
  test('keep the folders in which their libraries find one another, and say how far they are', async () => {
    const box = sandbox();
    const { options, lines } = fetching(box, content);
    const folder = await fetchTogether([engine, maths], join(box.cache, 'both'), options);
    expect(filesIn(folder)).toEqual(files);
    expect(readFileSync(join(folder, 'vendor/maths/lib/libmore.so.2'), 'utf8')).toBe('more of it');
    expect(readdirSync(box.cache)).toEqual(['both']);
    expect(lines.filter((line) => line.includes('downloading'))).toEqual([
      '1/2 engine 1.0: downloading 1 MB with pip',
      '2/2 maths 1.0: downloading 1 MB with pip',
    ]);
  });

  test('are no folder where one of them fails, and go on from there', async () => {
    const box = sandbox();
    const destination = join(box.cache, 'both');
    const cut = fetching(box, (wheel) => (wheel === maths ? Buffer.from('half of it') : content));
    expect((await failureOf(fetchTogether([engine, maths], destination, cut.options))).code).toBe('fetch-failed');
    expect(readdirSync(box.cache)).toEqual(['partial-engine-1.0']);
    const again = fetching(box, content);
    await fetchTogether([engine, maths], destination, again.options);
    expect(again.lines[0]).toBe('wheels to fetch: 1, 0.0 GB to download, 0.0 GB on the disk in the end');
    expect([again.downloaded, filesIn(destination), readdirSync(box.cache)]).toEqual([['maths'], files, ['both']]);
  });

  test('may be fetched by several at once', async () => {
    const box = sandbox();
    const destination = join(box.cache, 'both');
    const { options } = fetching(box, content);
    await Promise.all([1, 2, 3, 4].map(() => fetchTogether([engine, maths], destination, options)));
    expect([filesIn(destination), readdirSync(box.cache)]).toEqual([files, ['both']]);
  });

  test('are not fetched again', async () => {
    const box = sandbox();
    const destination = join(box.cache, 'both');
    mkdirSync(destination, { recursive: true });
    const { options, downloads } = fetching(box, content);
    expect([await fetchTogether([engine, maths], destination, options), downloads()]).toEqual([destination, 0]);
  });

  test('are not begun where the disk has no room for all of them', async () => {
    const box = sandbox();
    const { options, downloads } = fetching(box, content);
    const large = { ...maths, unpackedMegabytes: 1e12 };
    const error = await failureOf(fetchTogether([engine, large], join(box.cache, 'both'), options));
    expect([error.code, error.message, downloads()]).toEqual(['fetch-failed', expect.stringContaining('disk is full'), 0]);
  });
});

test('the CUDA libraries are pinned, each once, for the same machine', () => {
  expect(new Set(cudaWheels.map(({ project }) => project)).size).toBe(13);
  for (const { sha256, members, platform } of cudaWheels) {
    expect([sha256, platform]).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), expect.stringMatching(/^manylinux_.*_x86_64$/)]);
    expect(members.length).toBeGreaterThan(0);
  }
});
