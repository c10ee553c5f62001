import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '@distributed-shampoo/testing';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Method } from '../src/convergence/methods.ts';
import { benchConvergence } from '../src/convergence.ts';

const folder = mkdtempSync(join(tmpdir(), 'shampoo-convergence-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let printed: string[] = [];
beforeEach(() => {
  printed = [];
  vi.spyOn(console, 'log').mockImplementation((line) => void printed.push(String(line)));
});
afterEach(() => void vi.restoreAllMocks());

/** CIFAR-10's binary format: a class, then 32 x 32 bytes of red, green and blue each. Noise will do. */
function writeCifar(file: string, images: number): void {
  const random = seededRandom(images);
  writeFileSync(
    join(folder, file),
    Uint8Array.from({ length: images * 3073 }, (_, i) => random.integer(0, i % 3073 === 0 ? 9 : 255)),
  );
}
writeCifar('data_batch_1.bin', 40);
writeCifar('test_batch.bin', 10);

const given = { train: folder, test: folder, runs: join(folder, 'runs'), steps: '4', batchSize: '4', evaluateEvery: '2' };
const method = (optimizer: Method['optimizer'], learningRates: readonly number[], options = {}): Method => ({
  summary: 'for the test',
  optimizer,
  options,
  learningRates,
});
const table = {
  adamw: method('adamw', [0.001]),
  sgd: method('sgd', [0.01, 1e30]),
  absent: method('sgd', [0.1], { preconditioner: { type: 'nothing' } }),
};

test('runs are done once, kept, and compared; what cannot be run is named', { timeout: 120_000 }, async () => {
  const options = { ...given, methods: 'adamw,sgd,absent' };
  const rows = await benchConvergence(options, table);
  const output = printed.join('\n');
  expect(output).toMatch(/absent is absent, the optimizer refuses it: preconditioner\.type/);
  expect(output).toMatch(/run 3 of 3, sgd with learning rate 1e\+30 diverged: rank 0: .*/);

  const kept = readdirSync(given.runs).filter((name) => name.endsWith('.json'));
  expect(kept.map((name) => name.replace(/-[0-9a-f]{12}\.json$/, '')).sort()).toEqual(['adamw-0.001', 'sgd-0.01', 'sgd-1e+30']);
  const file = (start: string) => join(given.runs, kept.find((name) => name.startsWith(start)) as string);
  const run = JSON.parse(readFileSync(file('sgd-0.01'), 'utf8'));
  expect(run).toMatchObject({ method: 'sgd', learningRate: 0.01, outcome: 'trained' });
  expect(run.evaluations.map(({ step }: { step: number }) => step)).toEqual([2, 4]);
  expect(JSON.parse(readFileSync(file('sgd-1e'), 'utf8')).outcome).toBe('diverged');

  const accuracy = rows.find(({ name }) => name === 'sgd at 0.01: test accuracy');
  expect(accuracy).toMatchObject({ value: 100 * run.evaluations[1].top1, unit: '%', peer: 'adamw' });
  expect(rows.find(({ name }) => name === 'adamw: a step')).toMatchObject({ unit: 's', peer: null });
  const plot = readFileSync(join(given.runs, 'convergence.svg'), 'utf8');
  expect(plot).toMatch(/^<svg/);
  for (const text of ['adamw', 'sgd', 'test accuracy', 'step', 'seconds of training']) expect(plot).toContain(`>${text}<`);

  // Once more: only what is no longer there is done again.
  const before = statSync(file('adamw')).mtimeMs;
  rmSync(file('sgd-1e'));
  const plotFile = join(folder, 'other.svg');
  expect(await benchConvergence({ ...options, plot: plotFile }, table)).toEqual(rows);
  expect(statSync(file('adamw')).mtimeMs).toBe(before);
  expect(printed.filter((line) => /kept, finished/.test(line))).toHaveLength(2);
  expect(readFileSync(file('sgd-1e'), 'utf8')).toContain('diverged');
  expect(readFileSync(plotFile, 'utf8')).toBe(plot);

  // A file that something else wrote is named, not guessed at.
  writeFileSync(file('adamw'), '{"outcome": "tra');
  await expect(benchConvergence(options, table)).rejects.toThrow(/adamw-0\.001-.*Delete it/);
});

test.each([
  [{ train: undefined }, '--train'],
  [{ steps: '0' }, '--steps'],
  [{ steps: 'many' }, '--steps'],
  [{ batchSize: '1.5' }, '--batch-size'],
  [{ evaluateEvery: '-1' }, '--evaluate-every'],
  [{ methods: 'absent' }, '--methods'],
  [{ methods: 'sgd,magic' }, '--methods: there is no "magic". There are: adamw, sgd, absent.'],
])('%j is misuse', async (options, message) => {
  const outcome = benchConvergence({ ...given, ...options }, table);
  await expect(outcome).rejects.toMatchObject({ code: 'misuse', message: expect.stringContaining(message) });
});

test('images that are not there cost no run', async () => {
  await expect(benchConvergence({ ...given, methods: 'sgd', test: join(folder, 'nowhere') }, table)).rejects.toMatchObject({
    code: 'missing-path',
  });
});
