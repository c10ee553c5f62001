import { expectClose, seededRandom, tolerance } from '@distributed-shampoo/testing';
import { memory, type Scalar, scalar, square, sum, type Tensor, tensor, type Variable, variable } from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, test } from 'vitest';
import { DistributedShampoo, type ShampooInput, type Surroundings } from '../src/index.ts';
import { engines } from './engines.ts';

const shapes = { kernel: [3, 3, 4, 5], dense: [20, 12], bias: [12], one: [] } as const;
type Name = keyof typeof shapes;
const names = Object.keys(shapes) as Name[];
const size = (name: Name) => (shapes[name] as readonly number[]).reduce((a, b) => a * b, 1);

let alive: { dispose(): void }[] = [];
const freeAll = () => {
  for (const thing of alive) thing.dispose();
  alive = [];
};
afterEach(freeAll);

/** Variables with the same values each time, and an optimizer over them. What an earlier call made is freed: names are taken once. */
function setUp(options: ShampooInput, surroundings: Surroundings = {}) {
  freeAll();
  const random = seededRandom(1);
  const variables = names.map((name) => {
    const value = tensor(random.normals(size(name)), [...shapes[name]]);
    const made = variable(value, true, name);
    value.dispose();
    return made;
  });
  const optimizer = new DistributedShampoo(options, { engine: 'reference', ...surroundings });
  optimizer.build(variables);
  alive.push(optimizer, ...variables);
  return { optimizer, variables, values: () => variables.map((one: Variable) => Array.from(one.dataSync<'float32'>())) };
}

/** Gradients of step `step`: the same each time. */
const gradientsOf = (step: number) => names.map((name, index) => seededRandom(100 * step + index + 7).normals(size(name)));

function step(optimizer: DistributedShampoo, gradients: readonly (Float32Array | null)[]): void {
  for (const [index, values] of gradients.entries()) {
    if (values === null) continue;
    const name = names[index] as Name;
    const gradient: Tensor = tensor(values, [...shapes[name]]);
    optimizer.writeGradient(name, gradient);
    gradient.dispose();
  }
  optimizer.step();
}

function run(options: ShampooInput, steps: number, surroundings: Surroundings = {}): number[][] {
  const { optimizer, values } = setUp(options, surroundings);
  for (let t = 1; t <= steps; t++) step(optimizer, gradientsOf(t));
  return values();
}

const start = (): number[][] => run({}, 0);
const shampoo: ShampooInput = {
  learningRate: 0.05,
  betas: [0.9, 0.95],
  epsilon: 1e-4,
  maxPreconditionerDim: 16,
  preconditionFrequency: 3,
  grafting: { type: 'adam', epsilon: 1e-8 },
};

describe.each(engines)('on %s', (engine) => {
  /** A method written out by the book, in float64: what the optimizer must equal when nothing is preconditioned by factors. */
  const byHand = (update: (state: { v: number; m: number }, gradient: number, t: number) => number): number[][] =>
    start().map((values, index) =>
      values.map((first, element) => {
        const state = { v: 0, m: 0 };
        let value = first;
        for (let t = 1; t <= 5; t++) value += update(state, gradientsOf(t)[index]?.[element] as number, t);
        return value;
      }),
    );

  const methods: readonly [string, ShampooInput, Parameters<typeof byHand>[0]][] = [
    ['sgd', { learningRate: 0.1, betas: [0, 1], preconditioner: { type: 'sgd' } }, (_, g) => -0.1 * g],
    [
      'adagrad',
      { learningRate: 0.1, betas: [0, 1], preconditioner: { type: 'adagrad', epsilon: 1e-6 } },
      (state, g) => {
        state.v += g * g;
        return (-0.1 * g) / (Math.sqrt(state.v) + 1e-6);
      },
    ],
    [
      'rmsprop',
      { learningRate: 0.1, betas: [0, 1], preconditioner: { type: 'rmsprop', beta2: 0.9, epsilon: 1e-6 } },
      (state, g) => {
        state.v = 0.9 * state.v + 0.1 * g * g;
        return (-0.1 * g) / (Math.sqrt(state.v) + 1e-6);
      },
    ],
    [
      'adam',
      { learningRate: 0.1, betas: [0.9, 1], preconditioner: { type: 'adam', beta2: 0.99, epsilon: 1e-6 } },
      (state, g, t) => {
        state.m = 0.9 * state.m + 0.1 * g;
        state.v = 0.99 * state.v + 0.01 * g * g;
        return (-0.1 * (state.m / (1 - 0.9 ** t))) / (Math.sqrt(state.v / (1 - 0.99 ** t)) + 1e-6);
      },
    ],
  ];

  test.each(methods)('without factors it is %s', (_name, options, update) => {
    const expected = byHand(update);
    for (const [index, values] of run(options, 5, { engine }).entries())
      expectClose(values, expected[index] ?? [], tolerance.float32, names[index]);
  });

  test('before the first root a grafted Shampoo is the grafted method', () => {
    const adam = run({ ...shampoo, preconditioner: { type: 'adam', epsilon: 1e-8 }, grafting: null }, 2, { engine });
    expect(run(shampoo, 2, { engine })).toEqual(adam);
    expect(run(shampoo, 3, { engine })).not.toEqual(
      run({ ...shampoo, preconditioner: { type: 'adam', epsilon: 1e-8 }, grafting: null }, 3, { engine }),
    );
  });

  test('blocks are stepped alone: a parameter cut by hand moves as one that the plan cuts', () => {
    // [20, 12] at 10 gives blocks [10, 10], [10, 2] twice; rows of the first ten alone must move alike.
    const whole = run({ ...shampoo, maxPreconditionerDim: 10 }, 6, { engine });
    const dense = whole[names.indexOf('dense')] as number[];
    const random = seededRandom(1);
    const before = Object.fromEntries(names.map((name) => [name, random.normals(size(name))])) as Record<Name, Float32Array>;
    const top = variable(tensor(before.dense.slice(0, 120), [10, 12]), true, 'top');
    const optimizer = new DistributedShampoo({ ...shampoo, maxPreconditionerDim: 10 }, { engine });
    optimizer.build([top]);
    alive.push(optimizer, top);
    for (let t = 1; t <= 6; t++) {
      optimizer.writeGradient('top', tensor((gradientsOf(t)[names.indexOf('dense')] as Float32Array).slice(0, 120), [10, 12]));
      optimizer.step();
    }
    expect(Array.from(top.dataSync())).toEqual(dense.slice(0, 120));
  });

  test('roots on a schedule of their own are taken at the same statistics', () => {
    // With a frequency of 1 every block is due at every step, together or staggered.
    const every: ShampooInput = { ...shampoo, preconditionFrequency: 1 };
    expect(run({ ...every, refresh: 'staggered' }, 5, { engine })).toEqual(run(every, 5, { engine }));
  });

  test('a refused gradient changes nothing, and names the variable', () => {
    const { optimizer, values } = setUp(shampoo, { engine });
    step(optimizer, gradientsOf(1));
    const before = values();
    const bad = gradientsOf(2);
    (bad[1] as Float32Array)[17] = Number.NaN;
    expect(() => step(optimizer, bad)).toThrow(
      expect.objectContaining({ code: 'not-finite', message: expect.stringContaining('"dense"') }),
    );
    expect(values()).toEqual(before);
    (bad[1] as Float32Array)[17] = 1e30;
    expect(() => step(optimizer, bad)).toThrow(expect.objectContaining({ code: 'not-finite' }));
    expect(values()).toEqual(before);
    // As if nothing had been: the next good gradients give what they would have given.
    for (let t = 2; t <= 4; t++) step(optimizer, gradientsOf(t));
    const after = values();
    expect(after).toEqual(run(shampoo, 4, { engine }));
  });

  test('a parameter without a gradient keeps its value and its state', () => {
    const { optimizer, values } = setUp(shampoo, { engine });
    const only = (t: number) => gradientsOf(t).map((gradient, index) => (names[index] === 'bias' ? gradient : null));
    for (let t = 1; t <= 4; t++) step(optimizer, only(t));
    const after = values();
    const before = start();
    for (const [index, name] of names.entries()) {
      if (name === 'bias') expect(after[index]).not.toEqual(before[index]);
      else expect(after[index]).toEqual(before[index]);
    }
    // Its bias corrections count its own gradients: it starts as at step 1, not as at step 5.
    const first = setUp({ ...shampoo, preconditioner: { type: 'adam' }, grafting: null }, { engine });
    step(first.optimizer, only(1));
    step(first.optimizer, gradientsOf(2));
    const late = first.values()[names.indexOf('dense')];
    const fresh = setUp({ ...shampoo, preconditioner: { type: 'adam' }, grafting: null }, { engine });
    step(fresh.optimizer, gradientsOf(2));
    expect(late).toEqual(fresh.values()[names.indexOf('dense')]);
  });

  test('evaluation values and back are the identity but for rounding', () => {
    const { optimizer, values } = setUp({ ...shampoo, iterateAveraging: { type: 'schedule-free' } }, { engine });
    for (let t = 1; t <= 3; t++) step(optimizer, gradientsOf(t));
    const trained = values();
    optimizer.eval();
    expect(values()).not.toEqual(trained);
    expect(() => optimizer.step()).toThrow(expect.objectContaining({ code: 'bad-state' }));
    optimizer.train();
    for (const [index, one] of values().entries()) expectClose(one, trained[index] ?? [], tolerance.float32, names[index]);
  });

  test('a steady step leaves no tensor behind', () => {
    const { optimizer } = setUp(shampoo, { engine });
    const counts = Array.from({ length: 12 }, (_, t) => {
      step(optimizer, gradientsOf(t + 1));
      return memory().numTensors;
    });
    // With a period of 3, that of the refresh: on tfjs the refresh joins other slots than the steps between.
    expect(counts.slice(6)).toEqual(counts.slice(3, 9));
  });

  test('groups have options of their own', () => {
    const grouped = run(
      {
        ...shampoo,
        groups: [{ parameters: 'vectors', options: { preconditioner: { type: 'adam', epsilon: 1e-8 }, grafting: null } }],
      },
      5,
      { engine },
    );
    const adam = run({ ...shampoo, preconditioner: { type: 'adam', epsilon: 1e-8 }, grafting: null }, 5, { engine });
    const all = run(shampoo, 5, { engine });
    for (const [index, name] of names.entries())
      expect(grouped[index]).toEqual((name === 'bias' || name === 'one' ? adam : all)[index]);
  });
});

test('any number of lanes gives the same bits', () => {
  const options: ShampooInput = { ...shampoo, maxPreconditionerDim: 6, preconditionFrequency: 2 };
  const one = run(options, 6, { engine: 'blas', lanes: 1 });
  for (const lanes of [2, 3]) expect(run(options, 6, { engine: 'blas', lanes })).toEqual(one);
});

test('staggered, a block follows the grafted method until its first root', () => {
  const options: ShampooInput = { ...shampoo, maxPreconditionerDim: 16, preconditionFrequency: 4, refresh: 'staggered' };
  const adam: ShampooInput = { ...options, preconditioner: { type: 'adam', epsilon: 1e-8 }, grafting: null };
  expect(run(options, 3)).toEqual(run(adam, 3));
  // By step 7 each of the blocks had its turn.
  const [late, plain] = [run(options, 8), run(adam, 8)];
  for (const [index, name] of names.entries()) if (name !== 'one') expect(late[index]).not.toEqual(plain[index]);
});

describe.each(engines)('in the background, on %s', (engine) => {
  const options: ShampooInput = { ...shampoo, preconditionFrequency: 4, refresh: 'background' };
  const kinds: readonly ShampooInput['preconditioner'][] = [{ type: 'root-inverse' }, { type: 'eigenvalue-corrected' }];

  test('roots are those of the staggered schedule, in use one step later', () => {
    // No first moment, no grafting: a step's direction hangs on its own gradient and on the roots alone.
    const bare: ShampooInput = { ...options, betas: [0, 0.95], grafting: null };
    const moves = (input: ShampooInput, steps: number) => {
      const [before, after] = [run(input, steps - 1, { engine }), run(input, steps, { engine })];
      return after.map((values, index) => values.map((value, i) => value - (before[index]?.[i] as number)));
    };
    // Step 4 is the first that anything is due at; the gradient's own move shows until step 5.
    const plain: ShampooInput = { ...bare, preconditioner: { type: 'sgd' } };
    expect(run(bare, 4, { engine })).toEqual(run(plain, 4, { engine }));
    expect(run({ ...bare, refresh: 'staggered' }, 4, { engine })).not.toEqual(run(plain, 4, { engine }));
    expect(moves(bare, 5)).not.toEqual(moves(plain, 5));
  });

  test.each(kinds)('a parameter may miss the step that brings its root into use: $type', (preconditioner) => {
    const { optimizer, variables } = setUp({ ...options, preconditionFrequency: 1, preconditioner }, { engine });
    for (let t = 1; t <= 6; t++) {
      for (const [index, gradient] of gradientsOf(t).entries()) {
        const { name, shape } = variables[index] as Variable;
        if ((t + index) % 3 !== 0) optimizer.writeGradient(name, tensor(gradient, shape));
      }
      optimizer.step();
    }
    for (const one of variables) expect(Array.from(one.dataSync()).every(Number.isFinite)).toBe(true);
  });
});

test('in the background any number of lanes gives the same bits, and disposing waits for them', () => {
  const options: ShampooInput = { ...shampoo, preconditionFrequency: 1, refresh: 'background' };
  const one = run(options, 6, { engine: 'blas', lanes: 1 });
  for (const lanes of [2, 3]) expect(run(options, 6, { engine: 'blas', lanes })).toEqual(one);
});

test('minimize trains through TensorFlow.js, and a variable that appears later is refused by name', () => {
  const x = variable(tensor([3, -2]), true, 'x');
  const y = variable(scalar(1), true, 'y');
  const optimizer = new DistributedShampoo({ learningRate: 0.3, grafting: { type: 'adam' } }, { engine: 'reference' });
  alive.push(optimizer, x, y);
  const loss = () => optimizer.minimize(() => sum(square(x)) as Scalar, true, [x])?.dataSync()[0] as number;
  const first = loss();
  for (let i = 0; i < 20; i++) loss();
  expect(loss()).toBeLessThan(first / 10);
  expect(() => optimizer.minimize(() => square(y) as Scalar, false, [y])).toThrow(
    expect.objectContaining({ code: 'bad-variable', message: expect.stringContaining('"y"') }),
  );
});

test('two variables of one name, integers and a wrong shape are refused', () => {
  const a = variable(tensor([1]), true, 'a');
  const integers = variable(tensor([1], [1], 'int32'), true, 'i');
  alive.push(a, integers);
  const build = (variables: Variable[]) => new DistributedShampoo({}, { engine: 'reference' }).build(variables);
  expect(() => build([a, a])).toThrow(expect.objectContaining({ code: 'bad-variable' }));
  expect(() => build([integers])).toThrow(expect.objectContaining({ code: 'bad-variable' }));
  const optimizer = new DistributedShampoo({}, { engine: 'reference' });
  alive.push(optimizer);
  optimizer.build([a]);
  expect(() => optimizer.writeGradient('a', tensor([1, 2]))).toThrow(expect.objectContaining({ code: 'bad-variable' }));
  expect(() => optimizer.writeGradient('b', tensor([1]))).toThrow(expect.objectContaining({ code: 'bad-variable' }));
  expect(() => optimizer.build([a])).toThrow(expect.objectContaining({ code: 'bad-state' }));
});

test('blocks of an order that the method does not take are refused by name, and a group of their own is the remedy', () => {
  const kernel = variable(tensor([1, 2, 3, 4], [2, 2]), true, 'kernel');
  const bias = variable(tensor([1, 2]), true, 'bias');
  alive.push(kernel, bias);
  const preconditioner = { type: 'spectral-descent' } as const;
  const refused = new DistributedShampoo({ preconditioner }, { engine: 'reference' });
  alive.push(refused);
  expect(() => refused.build([kernel, bias])).toThrow(
    expect.objectContaining({
      code: 'bad-option',
      message: expect.stringMatching(/"bias" .* groups: \[\{ parameters: "vectors"/),
    }),
  );
  // Nothing has happened to it.
  refused.build([kernel]);
  const vectors = { parameters: 'vectors', options: { preconditioner: { type: 'sgd' } } } as const;
  const optimizer = new DistributedShampoo({ learningRate: 1, preconditioner, groups: [vectors] }, { engine: 'reference' });
  alive.push(optimizer);
  optimizer.build([kernel, bias]);
  optimizer.writeGradient('kernel', tensor([0, 5, 5, 0], [2, 2]));
  optimizer.writeGradient('bias', tensor([3, -3]));
  optimizer.step();
  expectClose(bias.dataSync(), [-2, 5], tolerance.float32);
  const [a, b, c, d] = kernel.dataSync();
  expectClose([a as number, d as number], [1, 4], tolerance.float32);
  expect(Math.abs((b as number) - 1)).toBeLessThan(0.35);
  expect(Math.abs((c as number) - 2)).toBeLessThan(0.35);
});

test('the configuration is what was given', () => {
  expect(new DistributedShampoo(shampoo, { engine: 'reference' }).getConfig()).toEqual(shampoo);
});
