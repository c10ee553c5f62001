import { seededRandom } from '@distributed-shampoo/testing';
import { memory, type Tensor, tensor, type Variable, variable } from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, test } from 'vitest';
import { DistributedShampoo, type ShampooInput } from '../src/index.ts';
import { engines } from './engines.ts';

const shapes = [[12, 18], [6, 6], [2, 3, 6, 6], [5]] as const;
const sizeOf = (shape: readonly number[]) => shape.reduce((product, d) => product * d, 1);

const alive: { dispose(): void }[] = [];
const copies: Tensor[] = [];
/** TensorFlow.js has one variable of a name, and names are what state goes by: one run at a time. */
const endRun = () => {
  for (const thing of alive.splice(0)) thing.dispose();
};
afterEach(() => {
  endRun();
  for (const copy of copies.splice(0)) copy.dispose();
});

interface Run {
  readonly optimizer: DistributedShampoo;
  readonly variables: readonly Variable[];
}

function setUp(input: ShampooInput, engine: string, of: readonly (readonly number[])[] = shapes): Run {
  endRun();
  const variables = of.map((shape, index) => {
    const first = tensor(seededRandom(index).normals(sizeOf(shape)), [...shape]);
    alive.push(first);
    return variable(first, true, `p${index}`);
  });
  alive.push(...variables);
  const optimizer = new DistributedShampoo(input, { engine });
  alive.push(optimizer);
  optimizer.build(variables);
  return { optimizer, variables };
}

/** Steps `from` to `to`, with gradients of their own; the last variable has none at even steps. */
function advance({ optimizer, variables }: Run, from: number, to: number): void {
  for (let step = from; step <= to; step++) {
    for (const [index, one] of variables.entries()) {
      if (step % 2 === 0 && index === variables.length - 1) continue;
      const gradient = tensor(seededRandom(100 * step + index).normals(one.size), one.shape);
      optimizer.writeGradient(one.name, gradient);
      gradient.dispose();
    }
    optimizer.step();
  }
}

const values = ({ variables }: Run) => variables.map((one) => Array.from(one.dataSync<'float32'>()));

interface Saved {
  readonly state: readonly { readonly name: string; readonly tensor: Tensor }[];
  readonly values: readonly (readonly number[])[];
}

/** State and variables; copies, as a file would be. */
async function save(run: Run): Promise<Saved> {
  const state = await run.optimizer.getWeights();
  const saved = state.map(({ name, tensor: one }) => ({
    name,
    tensor: tensor(one.dataSync().slice(), one.shape, one.dtype as 'float32'),
  }));
  for (const one of state) one.tensor.dispose();
  copies.push(...saved.map((copy) => copy.tensor));
  return { state: saved, values: values(run) };
}

async function load({ optimizer, variables }: Run, saved: Saved): Promise<void> {
  for (const [index, one] of variables.entries()) {
    const value: Tensor = tensor(saved.values[index] as number[], one.shape);
    one.assign(value);
    value.dispose();
  }
  await optimizer.setWeights([...saved.state].reverse());
}

const shared: ShampooInput = {
  learningRate: 0.05,
  betas: [0.9, 0.95],
  epsilon: 1e-4,
  maxPreconditionerDim: 6,
  targetParameterDimensionality: 2,
  preconditionFrequency: 3,
  weightDecay: 0.01,
};
const adam = { type: 'adam' } as const;

const runsOn = (engine: string): readonly (readonly [string, ShampooInput])[] => [
  ['Shampoo grafted on Adam, in the background', { ...shared, refresh: 'background', grafting: adam }],
  [
    'SOAP by QR, in the background',
    { ...shared, refresh: 'background', preconditioner: { type: 'eigenvalue-corrected', method: 'qr' } },
  ],
  [
    'KL-Shampoo with packed factors, staggered',
    {
      ...shared,
      refresh: 'staggered',
      preconditioner: { type: 'kl-root-inverse', factorStorage: engine === 'blas' ? 'bfloat16' : 'packed' },
      grafting: adam,
    },
  ],
  ['schedule-free', { ...shared, iterateAveraging: { type: 'schedule-free' } }],
  [
    'momentum, and vectors by Adam',
    {
      ...shared,
      iterateAveraging: { type: 'momentum', momentum: 0.9 },
      groups: [{ parameters: 'vectors', options: { preconditioner: adam, grafting: null } }],
    },
  ],
  [
    'as in the reference',
    { ...shared, compatibility: 'reference', preconditioner: { type: 'eigendecomposed', method: 'qr' }, grafting: adam },
  ],
];

// The third engine computes in float64, and float32 is what is saved.
describe.each(engines.filter((engine) => engine !== 'reference'))('on %s', (engine) => {
  test.each(runsOn(engine))('saved after any step and loaded it goes on to the same bits: %s', async (_, input) => {
    const uninterrupted = setUp(input, engine);
    advance(uninterrupted, 1, 12);
    const expected = values(uninterrupted);
    for (const stop of [1, 5, 6]) {
      const first = setUp(input, engine);
      advance(first, 1, stop);
      const saved = await save(first);
      // Saving changes nothing.
      advance(first, stop + 1, 12);
      expect(values(first)).toEqual(expected);
      // What another holds from before, roots under way too, goes.
      const second = setUp(input, engine);
      advance(second, 20, 23 + stop);
      await load(second, saved);
      advance(second, stop + 1, 12);
      expect(values(second)).toEqual(expected);
    }
  });

  test('evaluation mode and iterations belong to the state', async () => {
    const input: ShampooInput = { ...shared, iterateAveraging: { type: 'gpa', evalInterpolation: 0.9, trainInterpolation: 0.8 } };
    const first = setUp(input, engine);
    advance(first, 1, 4);
    first.optimizer.eval();
    const saved = await save(first);
    first.optimizer.train();
    advance(first, 5, 8);
    const expected = values(first);
    const second = setUp(input, engine);
    await load(second, saved);
    expect(() => second.optimizer.step()).toThrow(expect.objectContaining({ code: 'bad-state' }));
    second.optimizer.train();
    advance(second, 5, 8);
    expect(values(second)).toEqual(expected);
  });
});

test('roots under way are named in the state, and are needed to go on as before', async () => {
  const input: ShampooInput = { ...shared, refresh: 'background', grafting: adam };
  const run = setUp(input, 'blas');
  advance(run, 1, 5);
  const saved = await save(run);
  const underWay = saved.state.filter(({ name, tensor: one }) => name.endsWith('/progress') && one.dataSync()[2] === 1);
  expect(underWay.length).toBeGreaterThan(0);
  expect(underWay.length).toBeLessThan(saved.state.filter(({ name }) => name.endsWith('/progress')).length);
  advance(run, 6, 9);
  const expected = values(run);
  const forgetful = setUp(input, 'blas');
  const without = saved.state.map(({ name, tensor: one }) => {
    if (!name.endsWith('/progress')) return { name, tensor: one };
    const [count = 0, failures = 0] = one.dataSync();
    const changed = tensor([count, failures, 0], [3], 'int32');
    copies.push(changed);
    return { name, tensor: changed };
  });
  await load(forgetful, { ...saved, state: without });
  advance(forgetful, 6, 9);
  expect(values(forgetful)).not.toEqual(expected);
});

test('state of other variables or options is refused by name, and nothing changes', async () => {
  const input: ShampooInput = { ...shared, grafting: adam };
  const smaller = setUp(input, 'blas', [[6, 6]]);
  advance(smaller, 1, 1);
  const other = await save(smaller);
  const untouched = setUp(input, 'blas');
  advance(untouched, 1, 8);
  const expected = values(untouched);
  const run = setUp(input, 'blas');
  advance(run, 1, 4);
  const { state } = await save(run);
  const refused = async (weights: readonly { readonly name: string; readonly tensor: Tensor }[], message: RegExp) => {
    await expect(run.optimizer.setWeights([...weights])).rejects.toMatchObject({
      code: 'checkpoint-mismatch',
      message: expect.stringMatching(message),
    });
  };
  await refused(state.slice(1), /has no entry "iter"/);
  await refused(
    state.filter(({ name }) => name !== 'p0/block [0, 0]/factor 1'),
    /has no entry "p0\/block \[0, 0\]\/factor 1"/,
  );
  const [one] = state as [(typeof state)[number]];
  await refused([...state, { name: 'p9/block [0]/factor 0', tensor: one.tensor }], /unknown entry "p9/);
  await refused([...state, { name: 'p0/block [0, 0]/root 7', tensor: one.tensor }], /unknown entry "p0/);
  await refused(other.state, /has no entry "p\d\/block/);
  advance(run, 5, 8);
  expect(values(run)).toEqual(expected);
});

test('saving leaves no tensors behind, and needs build()', async () => {
  const fresh = new DistributedShampoo(shared);
  await expect(fresh.getWeights()).rejects.toMatchObject({ code: 'bad-state' });
  await expect(fresh.setWeights([])).rejects.toMatchObject({ code: 'bad-state' });
  const run = setUp(shared, 'blas');
  advance(run, 1, 2);
  const before = memory().numTensors;
  const state = await run.optimizer.getWeights();
  await run.optimizer.setWeights(state);
  expect(memory().numTensors).toBe(before + state.length);
  for (const { tensor: one } of state) one.dispose();
});
