import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { TensorError } from '../../src/index.ts';
import { cudaWheels } from '../../src/provision/cuda-wheels.ts';
import { type FetchOptions, fetchWheel, fetchWheels } from '../../src/provision/fetch-wheel.ts';
import type { Wheel } from '../../src/provision/wheels.ts';
import { archiveOf } from './archive.ts';
import { type Sandbox, sandbox } from './sandbox.ts';

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

/** Options whose download writes the given bytes, and the lines that were reported. */
function fetching({ environment }: Sandbox, content: Buffer = bytes) {
  const lines: string[] = [];
  let downloads = 0;
  const options: FetchOptions = {
    environment,
    report: { terminal: false, progress: (line) => lines.push(line) },
    async download(_, folder) {
      downloads++;
      const file = join(folder, 'engine.whl');
      writeFileSync(file, content);
      return file;
    },
  };
  return { options, lines, downloads: () => downloads };
}

const failureOf = (promise: Promise<unknown>): Promise<TensorError> =>
  promise.then(
    () => Promise.reject(new Error('expected a failure')),
    (error: TensorError) => error,
  );

describe('a wheel that is fetched', () => {
  test('leaves its libraries, and nothing else', async () => {
    const box = sandbox();
    const { options, lines } = fetching(box);
    const folder = await fetchWheel(wheel, 'linux-x64', options);
    expect(folder).toBe(join(box.cache, 'engine-1.0-linux-x64'));
    expect(readdirSync(folder).sort()).toEqual(['libengine.so.2', 'libother.so']);
    expect(readFileSync(join(folder, 'libengine.so.2'), 'utf8')).toBe('the library');
    expect(readdirSync(box.cache)).toEqual(['engine-1.0-linux-x64']);
    expect(lines).toEqual(['engine 1.0: downloading 1 MB with pip', 'engine 1.0: unpacking 1 MB']);
  });

  test('is not fetched again', async () => {
    const { options, downloads } = fetching(sandbox());
    await fetchWheel(wheel, 'linux-x64', options);
    await fetchWheel(wheel, 'linux-x64', options);
    expect(downloads()).toBe(1);
  });

  test('may be fetched by several at once', async () => {
    const box = sandbox();
    const { options } = fetching(box);
    const folders = await Promise.all([1, 2, 3, 4].map(() => fetchWheel(wheel, 'linux-x64', options)));
    expect(new Set(folders).size).toBe(1);
    expect(readFileSync(join(folders[0] as string, 'libother.so'), 'utf8')).toBe('the other');
    expect(readdirSync(box.cache)).toEqual(['engine-1.0-linux-x64']);
  });

  test('clears away what was abandoned a day ago, not what another is at', async () => {
    const box = sandbox();
    for (const name of ['fetching-old', 'fetching-new']) mkdirSync(join(box.cache, name), { recursive: true });
    utimesSync(join(box.cache, 'fetching-old'), 0, 0);
    await fetchWheel(wheel, 'linux-x64', fetching(box).options);
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
    ['ENOSPC', /disk is full.*2 MB.*SHAMPOO_CACHE/],
    ['EROFS', /no permission.*SHAMPOO_CACHE/],
  ])('on %s', async (code, says) => {
    const box = sandbox();
    const download = () => Promise.reject(Object.assign(new Error('write'), { code }));
    const error = await failureOf(fetchWheel(wheel, 'linux-x64', { ...fetching(box).options, download }));
    expect(error.message).toMatch(says);
    expect(existsSync(join(box.cache, 'engine-1.0-linux-x64'))).toBe(false);
  });
});

describe('wheels that are fetched together', () => {
  const files = {
    'engine/libengine.so': 'the library',
    'vendor/maths/lib/libmaths.so.1': 'mathematics',
    'vendor/maths/lib/libmore.so.2': 'more of it',
    'vendor/maths/include/maths.h': 'a header',
  };
  const content = archiveOf(files);
  const sha256 = createHash('sha256').update(content).digest('hex');
  const wheels: readonly Wheel[] = [
    { ...wheel, sha256, members: ['engine/libengine.so'] },
    { ...wheel, project: 'maths', sha256, members: ['vendor/maths/lib/'] },
  ];

  test('keep the folders in which their libraries find one another, and say how far they are', async () => {
    const box = sandbox();
    const { options, lines } = fetching(box, content);
    const folder = await fetchWheels(wheels, join(box.cache, 'both'), { ...options, keepFolders: true });
    expect(
      readdirSync(folder, { recursive: true })
        .filter((name) => /\.so|\.h$/.test(String(name)))
        .sort(),
    ).toEqual(['engine/libengine.so', 'vendor/maths/lib/libmaths.so.1', 'vendor/maths/lib/libmore.so.2']);
    expect(readdirSync(box.cache)).toEqual(['both']);
    expect(lines.filter((line) => line.includes('downloading'))).toEqual([
      '1/2 engine 1.0: downloading 1 MB with pip',
      '2/2 maths 1.0: downloading 1 MB with pip',
    ]);
  });

  test('leave nothing where the second fails', async () => {
    const box = sandbox();
    const second = { ...(wheels[1] as Wheel), sha256: '0'.repeat(64) };
    const fetched = fetchWheels([wheels[0] as Wheel, second], join(box.cache, 'both'), fetching(box, content).options);
    expect((await failureOf(fetched)).code).toBe('fetch-failed');
    expect(readdirSync(box.cache)).toEqual([]);
  });
});

test('the CUDA libraries are pinned, each once', () => {
  expect(new Set(cudaWheels.map(({ project }) => project)).size).toBe(13);
  for (const { sha256, members } of cudaWheels)
    expect([sha256, members.length > 0]).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), true]);
});
