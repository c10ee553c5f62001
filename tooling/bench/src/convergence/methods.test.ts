import { expect, test } from 'vitest';
import { BASELINE, defaultMethods, methods } from './methods.ts';
import { parseConvergenceOptions } from './options.ts';
import { planConvergence } from './plan.ts';

const given = { train: 'train', test: 'test', methods: Object.keys(methods).join(',') };

test('the optimizer takes every method, each at three learning rates', async () => {
  const { runs, refused } = await planConvergence(parseConvergenceOptions(given, methods), methods);
  expect(refused).toEqual([]);
  for (const name of Object.keys(methods))
    expect(new Set(runs.flatMap(({ method, learningRate }) => (method === name ? [learningRate] : []))).size, name).toBe(3);
  expect(new Set(runs.map(({ id }) => id)).size).toBe(runs.length);
  for (const { config } of runs) expect(config).toMatchObject({ nprocPerNode: 1, batchSize: 256, steps: 300, evaluateEvery: 25 });
});

test('other settings are other runs', async () => {
  const ids = async (changed: Record<string, unknown>) => {
    const { runs } = await planConvergence(
      parseConvergenceOptions({ ...given, methods: BASELINE, ...changed }, methods),
      methods,
    );
    return runs.map(({ id }) => id);
  };
  const usual = await ids({});
  expect(await ids({ plot: 'elsewhere.svg', runs: 'elsewhere' })).toEqual(usual);
  for (const changed of [{ seed: 1 }, { steps: 200 }, { batchSize: 128 }, { test: 'other' }, { evaluateEvery: 50 }])
    for (const id of await ids(changed)) expect(usual, JSON.stringify(changed)).not.toContain(id);
});

test('the methods that are compared unless others are named are in the table, the baseline among them', () => {
  expect(defaultMethods.filter((name) => !Object.hasOwn(methods, name))).toEqual([]);
  expect(defaultMethods).toContain(BASELINE);
});
