import { existsSync, fstatSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadNative, type Native } from './native.ts';
import { checkRoom, createMemfd, createTmpfs, openShared, tmpfsPath } from './shared-file.ts';

const native = (await loadNative()) as Native;

describe.each([
  ['with native code', native],
  ['without native code', undefined],
])('a file in /dev/shm, %s', (_how, how) => {
  test('is new, of this user only, as long as asked for, and seen by who opens it', () => {
    const path = tmpfsPath();
    const file = createTmpfs(path, 100_000, how);
    try {
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(fstatSync(file.fd).size).toBe(100_000);
      expect(fstatSync(file.fd).blocks * 512).toBeGreaterThanOrEqual(100_000); // reserved, not only promised
      expect(() => createTmpfs(path, 10, how)).toThrow('EEXIST');
      writeSync(file.fd, 'hello', 99_000);
      const other = openShared(path);
      other.close();
      expect(readFileSync(path).subarray(99_000, 99_005).toString()).toBe('hello');
    } finally {
      file.close();
      rmSync(path);
    }
  });
});

test('names are never the same and tell nothing', () => {
  const names = new Set(Array.from({ length: 100 }, tmpfsPath));
  expect(names.size).toBe(100);
  for (const name of names) expect(name).toMatch(/^\/dev\/shm\/collectives-[0-9a-f]{32}$/);
});

test('a file without a name is opened by its process and number, and is of this user only', () => {
  const file = createMemfd(70_000, native);
  writeSync(file.fd, 'hello', 0);
  const other = openShared(file.path);
  expect(fstatSync(other.fd).size).toBe(70_000);
  expect(fstatSync(other.fd).mode & 0o777).toBe(0o600);
  expect(readFileSync(file.path).subarray(0, 5).toString()).toBe('hello');
  other.close();
  file.close();
  expect(existsSync(file.path)).toBe(false);
});

describe('a lack of room', () => {
  test('is an error with the numbers, before anything is reserved', () => {
    expect(() => checkRoom(2 ** 20, { availableBytes: 2 ** 20, where: '/dev/shm' })).toThrow(
      /1\.0 MB were asked for, \/dev\/shm has 1\.0 MB left/,
    );
    expect(() => checkRoom(2 ** 20, { availableBytes: 2 ** 21, where: '/dev/shm' })).not.toThrow();
    expect(() => createMemfd(2 ** 50, native)).toThrow(/this machine has/);
    expect(() => createTmpfs(tmpfsPath(), 2 ** 50)).toThrow(/\/dev\/shm has/);
  });

  test('that is only found when reserving leaves no file behind', () => {
    const path = tmpfsPath();
    const full: Native = { ...native, reserve: () => 28 };
    expect(() => createTmpfs(path, 100_000, full)).toThrow(/no space for 0\.1 MB .*error 28/);
    expect(existsSync(path)).toBe(false);
    expect(() => createMemfd(100_000, full)).toThrow(/no space/);
  });
});
