import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RanksOptions, runRanks } from '@distributed-shampoo/collectives/testing';
import { expect, test } from 'vitest';
import type { ShampooInput } from '../src/index.ts';

interface Exact {
  readonly hashes: readonly string[];
  readonly owned: number;
}

const run = async <T>(script: string, size: number, ...args: readonly string[]): Promise<readonly T[]> => {
  const options: RanksOptions = {
    script: new URL(`./ranks/${script}`, import.meta.url),
    size,
    args,
    limitMs: 60_000,
  };
  return (await runRanks(options)) as T[];
};

const shampoo: ShampooInput = {
  learningRate: 0.05,
  betas: [0.9, 0.95],
  epsilon: 1e-4,
  maxPreconditionerDim: 32,
  preconditionFrequency: 4,
  weightDecay: 0.01,
};

test.each<[string, ShampooInput]>([
  ['grafted on Adam', { ...shampoo, grafting: { type: 'adam' } }],
  [
    'staggered, vectors to Adam',
    {
      ...shampoo,
      refresh: 'staggered',
      grafting: { type: 'adam' },
      groups: [{ parameters: 'vectors', options: { preconditioner: { type: 'adam' }, grafting: null } }],
    },
  ],
  [
    'SOAP by QR, in the background',
    { ...shampoo, refresh: 'background', preconditioner: { type: 'eigenvalue-corrected', method: 'qr' } },
  ],
  ['KL-Shampoo by Newton iterations', { ...shampoo, preconditioner: { type: 'kl-root-inverse', method: 'coupled-newton' } }],
  ['ungrafted, schedule-free', { ...shampoo, iterateAveraging: { type: 'schedule-free' } }],
])('two ranks and one have the same parameters to the bit, for 20 steps: %s', async (_name, options) => {
  const [alone] = await run<Exact>('exact-gradients.ts', 1, JSON.stringify(options));
  const [first, second] = await run<Exact>('exact-gradients.ts', 2, JSON.stringify(options));
  expect(first?.hashes).toHaveLength(20);
  expect(new Set(first?.hashes).size).toBe(20);
  expect(second?.hashes).toEqual(first?.hashes);
  expect(alone?.hashes).toEqual(first?.hashes);
  // Both ranks had work.
  expect(first?.owned).toBeGreaterThan(0);
  expect(second?.owned).toBeGreaterThan(0);
  expect((first?.owned ?? 0) + (second?.owned ?? 0)).toBe(alone?.owned);
});

test.each([
  [2, 1],
  [1, 2],
])('what %i ranks saved, %i go on with to the bit', async (before, after) => {
  const options = JSON.stringify({ ...shampoo, refresh: 'background', grafting: { type: 'adam' } } satisfies ShampooInput);
  const save = await mkdtemp(join(tmpdir(), 'saved-state-'));
  try {
    const saveAt = 9;
    const [whole] = await run<Exact>('exact-gradients.ts', before, options, JSON.stringify({ saveAt, save }));
    const load = Array.from({ length: before }, (_, rank) => join(save, String(rank)));
    const [rest] = await run<Exact>('exact-gradients.ts', after, options, JSON.stringify({ saveAt, load }));
    expect(rest?.hashes).toHaveLength(11);
    expect(rest?.hashes).toEqual(whole?.hashes.slice(saveAt));
  } finally {
    await rm(save, { recursive: true });
  }
});

test.each([
  ['options', { built: 'ranks-differ', stepped: 'not reached' }],
  ['variables', { built: 'ranks-differ', stepped: 'not reached' }],
  ['missing gradient', { built: 'none', stepped: 'ranks-differ' }],
  ['not finite', { built: 'none', stepped: 'not-finite' }],
])('a difference in %s is an error on every rank, and nothing has changed', async (difference, expected) => {
  const outcomes = await run<{ built: string; stepped: string; weights: number[] }>('disagreeing.ts', 2, difference);
  for (const outcome of outcomes) expect(outcome).toEqual({ ...expected, weights: [1, 2, 3, 4] });
});
