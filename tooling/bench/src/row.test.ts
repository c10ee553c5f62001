import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { publish, rateBeside, row } from './row.ts';

const folder = mkdtempSync(join(tmpdir(), 'shampoo-bench-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  vi.restoreAllMocks();
});

test('a rate is judged by its ratio to the peer', () => {
  expect(rateBeside(row('ours', 4, 'images/s'), 'PyTorch', 5, 0.8)).toMatchObject({
    ratio: 0.8,
    met: true,
    target: 'at least 0.8 of PyTorch',
  });
  expect(rateBeside(row('ours', 3.9, 'images/s'), 'PyTorch', 5, 0.8)).toMatchObject({ ratio: 0.78, met: false });
});

test('rows are printed in columns and written as JSON', () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  const file = join(folder, 'rows.json');
  const rows = [row('sgemm', 195.4, 'GFLOPS'), rateBeside(row('resnet50', 5.3, 'images/s'), 'PyTorch', 4.4, 0.8)];
  publish(rows, file);
  const lines = log.mock.calls.map(([line]) => String(line));
  expect(lines[0]).toBe('sgemm     195 GFLOPS');
  expect(lines[1]).toMatch(/^resnet50 {2}5\.30 images\/s {2}PyTorch 4\.40 {2}1\.20 x {2}.*met/);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(rows);
});
