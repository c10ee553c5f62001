import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { TensorError } from '../../src/index.ts';
import { fetchWheel } from '../../src/provision/fetch-wheel.ts';
import type { Wheel } from '../../src/provision/wheels.ts';
import { archiveOf } from './archive.ts';
import { failureOf, fetching } from './fetching.ts';
import { sandbox } from './sandbox.ts';

const bytes = archiveOf({
  'engine/libengine.so.2': 'the library',
  'engine/__init__.py': 'pass',
  'engine/libother.so': 'the other',
});

const wheel: Wheel = {
  project: 'engine',
  version: '1.0',
  platform: 'any',
  sha256: createHash('sha256').update(bytes).digest('hex'),
  downloadMegabytes: 1,
  unpackedMegabytes: 1,
  members: ['engine/libengine.so.2', 'engine/libother.so'],
};

describe('a wheel that is fetched', () => {
  test('leaves its libraries, and nothing else', async () => {
    const box = sandbox();
    const { options, lines } = fetching(box, bytes);
    const folder = await fetchWheel(wheel, 'linux-x64', options);
    expect(folder).toBe(join(box.cache, 'engine-1.0-linux-x64'));
    expect(readdirSync(folder).sort()).toEqual(['libengine.so.2', 'libother.so']);
    expect(readFileSync(join(folder, 'libengine.so.2'), 'utf8')).toBe('the library');
    expect(readdirSync(box.cache)).toEqual(['engine-1.0-linux-x64']);
    expect(lines).toEqual(['engine 1.0: downloading 1 MB with pip', 'engine 1.0: unpacking 1 MB']);
  });

  test('is not fetched again', async () => {
    const { options, downloads } = fetching(sandbox(), bytes);
    await fetchWheel(wheel, 'linux-x64', options);
    await fetchWheel(wheel, 'linux-x64', options);
    expect(downloads()).toBe(1);
  });

  test('may be fetched by several at once', async () => {
    const box = sandbox();
    const { options } = fetching(box, bytes);
    const folders = await Promise.all([1, 2, 3, 4].map(() => fetchWheel(wheel, 'linux-x64', options)));
    expect(new Set(folders).size).toBe(1);
    expect(readFileSync(join(folders[0] as string, 'libother.so'), 'utf8')).toBe('the other');
    expect(readdirSync(box.cache)).toEqual(['engine-1.0-linux-x64']);
  });

  test('clears away what was abandoned a day ago, not what another is at', async () => {
    const box = sandbox();
    for (const name of ['fetching-old', 'fetching-new']) mkdirSync(join(box.cache, name), { recursive: true });
    utimesSync(join(box.cache, 'fetching-old'), 0, 0);
    await fetchWheel(wheel, 'linux-x64', fetching(box, bytes).options);
    expect(readdirSync(box.cache).sort()).toEqual(['engine-1.0-linux-x64', 'fetching-new']);
  });
});

describe('a fetch that fails says why and leaves nothing', () => {
  test.each<[string, Buffer, Partial<Wheel>, RegExp]>([
    ['of other bytes', Buffer.from('other'), {}, /has SHA-256 [0-9a-f]{64}, pinned is/],
    [
      'of no archive',
      Buffer.from('x'),
      { sha256: createHash('sha256').update('x').digest('hex') },
      /[Ee]nd of [Cc]entral [Dd]irectory/,
    ],
    [
      'of a wheel without the library',
      bytes,
      { members: ['engine/libengine.so.2', 'engine/libgone.so'] },
      /holds no engine\/libgone.so/,
    ],
  ])('%s', async (_, content, change, says) => {
    const box = sandbox();
    const error = await failureOf(fetchWheel({ ...wheel, ...change }, 'linux-x64', fetching(box, content).options));
    expect(error).toBeInstanceOf(TensorError);
    expect([error.code, error.message]).toEqual(['fetch-failed', expect.stringMatching(says)]);
    expect(readdirSync(box.cache)).toEqual([]);
  });

  test.each([
    ['ENOSPC', /disk is full.*3 MB.*SHAMPOO_CACHE/],
    ['EROFS', /no permission.*SHAMPOO_CACHE/],
  ])('on %s', async (code, says) => {
    const box = sandbox();
    const download = () => Promise.reject(Object.assign(new Error('write'), { code }));
    const error = await failureOf(fetchWheel(wheel, 'linux-x64', { ...fetching(box, bytes).options, download }));
    expect(error.message).toMatch(says);
    expect(existsSync(join(box.cache, 'engine-1.0-linux-x64'))).toBe(false);
  });

  test('before the download, where the disk has no room for it', async () => {
    const box = sandbox();
    const { options, downloads } = fetching(box, bytes);
    const error = await failureOf(fetchWheel({ ...wheel, unpackedMegabytes: 1e12 }, 'linux-x64', options));
    expect([error.code, error.message]).toEqual(['fetch-failed', expect.stringMatching(/disk is full.*1000000000002 MB/)]);
    expect([downloads(), readdirSync(box.cache)]).toEqual([0, []]);
  });

  test('where the cache cannot be made', async () => {
    const box = sandbox();
    writeFileSync(box.cache, 'a file in its place');
    const error = await failureOf(fetchWheel(wheel, 'linux-x64', fetching(box, bytes).options));
    expect([error.code, error.message]).toEqual(['fetch-failed', expect.stringContaining(box.cache)]);
  });
});
