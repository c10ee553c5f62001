import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'shampoo-images-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Where a test file's own small images go; gone when its tests have run. */
export const images = {
  folder: join(folder, 'images'),
  train: join(folder, 'images', 'train'),
  test: join(folder, 'images', 'test'),
};
