import '@tensorflow/tfjs';
import { useBackend } from '@distributed-shampoo/tensor/node';
import { expectClose, seededRandom, tolerance } from '@distributed-shampoo/testing';
import {
  memory,
  type NamedTensorMap,
  type Scalar,
  square,
  sum,
  type Tensor,
  tensor,
  type Variable,
  variable,
} from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { DistributedShampoo, GpaAdamW, type GpaAdamWInput } from '../src/index.ts';

const shapes = { dense: [4, 3], bias: [3] } as const;
type Name = keyof typeof shapes;
const names = Object.keys(shapes) as Name[];
const size = (name: Name) => (shapes[name] as readonly number[]).reduce((a, b) => a * b, 1);

let alive: { dispose(): void }[] = [];
const freeAll = () => {
  for (const thing of alive) thing.dispose();
  alive = [];
};
afterEach(freeAll);

const firstValues = () => {
  const random = seededRandom(1);
  return names.map((name) => random.normals(size(name)));
};

/** Variables with the same values each time. What an earlier call made is freed: names are taken once. */
function makeVariables(values: readonly ArrayLike<number>[] = firstValues()): Variable[] {
  freeAll();
  const made = names.map((name, index) => {
    const value = tensor(Float32Array.from(values[index] as ArrayLike<number>), [...shapes[name]]);
    const one = variable(value, true, name);
    value.dispose();
    return one;
  });
  alive.push(...made);
  return made;
}

function setUp(options: GpaAdamWInput, values?: readonly ArrayLike<number>[]) {
  const variables = makeVariables(values);
  const optimizer = new GpaAdamW(options);
  optimizer.build(variables);
  optimizer.train();
  alive.push(optimizer);
  return { optimizer, variables, values: () => valuesOf(variables) };
}

const valuesOf = (variables: readonly Variable[]) => variables.map((one) => Array.from(one.dataSync<'float32'>()));

/** Gradients of a step, the same each time; `null` where they are missing. */
type Gradients = readonly (Float32Array | null)[];
const gradientsOf = (step: number): Gradients =>
  names.map((name, index) => seededRandom(100 * step + index + 7).normals(size(name)));
const onlyBias = (step: number): Gradients => gradientsOf(step).map((one, index) => (names[index] === 'bias' ? one : null));

function step(optimizer: GpaAdamW, gradients: Gradients): void {
  const named: NamedTensorMap = {};
  for (const [index, values] of gradients.entries()) {
    const name = names[index] as Name;
    if (values !== null) named[name] = tensor(values, [...shapes[name]]);
  }
  optimizer.applyGradients(named);
  for (const one of Object.values(named)) one.dispose();
}

/** What the oracle is told: one averaging's coefficients, and what is the same for all steps. */
interface Recipe {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly decayOfZ: number;
  readonly decayOfY: number;
  readonly trainInterpolation: number;
  readonly rate: (t: number) => number;
  /** c of step t. */
  readonly averageWeight: (t: number) => number;
}

/**
 * One number through `steps` steps, in float64, with the average X kept instead of eliminated:
 *
 *     Z <- (1 - rate decayOfZ) Z,  Y <- (1 - rate decayOfY) Y,  X from Y = y X + (1 - y) Z;   Z <- Z - rate u,  X <- (1 - c) X + c Z
 *
 * @returns the number in training and in evaluation.
 */
function oracle(first: number, gradientOf: (t: number) => number, steps: number, recipe: Recipe): { y: number; x: number } {
  const { beta1, beta2, epsilon, decayOfZ, decayOfY, trainInterpolation: share, rate, averageWeight } = recipe;
  let [x, y, z, m, v] = [first, first, first, 0, 0];
  for (let t = 1; t <= steps; t++) {
    const g = gradientOf(t);
    m = beta1 * m + (1 - beta1) * g;
    v = beta2 * v + (1 - beta2) * g * g;
    const u = m / (1 - beta1 ** t) / (Math.sqrt(v / (1 - beta2 ** t)) + epsilon);
    z *= 1 - rate(t) * decayOfZ;
    y *= 1 - rate(t) * decayOfY;
    x = (y - (1 - share) * z) / share;
    z -= rate(t) * u;
    x = (1 - averageWeight(t)) * x + averageWeight(t) * z;
    y = share * x + (1 - share) * z;
  }
  return { y, x };
}

const base: Recipe = {
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-3,
  decayOfZ: 0,
  decayOfY: 0,
  trainInterpolation: 0.7,
  rate: () => 0.05,
  averageWeight: () => 0.2,
};
const options: GpaAdamWInput = { learningRate: 0.05, betas: [0.9, 0.99], epsilon: 1e-3 };
const gpa = { type: 'gpa', evalInterpolation: 0.8, trainInterpolation: 0.7 } as const;
const scheduleFree = { type: 'schedule-free', trainInterpolation: 0.9, evalStepPower: 1, evalLearningRatePower: 2 } as const;

/** Rises, falls, rises again: the largest rate so far is not the rate. */
const rates = [0.02, 0.06, 0.01, 0.03, 0.08, 0.05];
const rateAt = (t: number) => rates[t - 1] as number;
const scheduleFreeWeight = (t: number) => {
  const weights = rates.map((_, i) => (i + 1) * Math.max(...rates.slice(0, i + 1)) ** 2);
  return (weights[t - 1] as number) / weights.slice(0, t).reduce((a, b) => a + b, 0);
};

const methods: readonly [string, GpaAdamWInput, Recipe][] = [
  ['primal averaging', { ...options, iterateAveraging: gpa }, base],
  [
    'primal averaging, all of the average in the gradient',
    { ...options, iterateAveraging: { ...gpa, trainInterpolation: 1 } },
    { ...base, trainInterpolation: 1 },
  ],
  ['weight decay of z', { ...options, iterateAveraging: gpa, weightDecay: 0.4 }, { ...base, decayOfZ: 0.4 }],
  ['weight decay of y', { ...options, iterateAveraging: gpa, weightDecay: 0.4, weightDecayOn: 'y' }, { ...base, decayOfY: 0.4 }],
  [
    'schedule-free averaging with rates that change, and decay',
    { ...options, iterateAveraging: scheduleFree, weightDecay: 0.2 },
    { ...base, trainInterpolation: 0.9, decayOfZ: 0.2, rate: rateAt, averageWeight: scheduleFreeWeight },
  ],
];

describe.each(['cpu', 'wasm'])('on the backend %s', (backend) => {
  beforeAll(async () => void (await useBackend({ backend })));

  test.each(methods)('%s is what float64 says, in training and in evaluation', (_name, input, recipe) => {
    const { optimizer, values } = setUp(input);
    for (let t = 1; t <= rates.length; t++) {
      optimizer.learningRate = recipe.rate(t);
      step(optimizer, gradientsOf(t));
    }
    const trained = values();
    optimizer.eval();
    const evaluated = values();
    for (const [index, first] of firstValues().entries()) {
      const expected = Array.from(first, (one, element) =>
        oracle(one, (t) => gradientsOf(t)[index]?.[element] as number, rates.length, recipe),
      );
      const y = expected.map((one) => one.y);
      expectClose(trained[index] as number[], y, tolerance.float32, `${names[index]} in training`);
      const x = expected.map((one) => one.x);
      expectClose(evaluated[index] as number[], x, tolerance.float32, `${names[index]} in evaluation`);
      // Evaluation values differ, unless gradients are taken at the average itself.
      if (recipe.trainInterpolation < 1) expect(evaluated[index]).not.toEqual(trained[index]);
    }
  });

  test('evaluation and back is the identity but for rounding, and asking twice changes nothing', () => {
    const { optimizer, values } = setUp({ ...options, iterateAveraging: gpa });
    for (let t = 1; t <= 3; t++) step(optimizer, gradientsOf(t));
    const trained = values();
    optimizer.train();
    expect(values()).toEqual(trained);
    optimizer.eval();
    const evaluated = values();
    optimizer.eval();
    expect(values()).toEqual(evaluated);
    optimizer.train();
    for (const [index, one] of values().entries()) expectClose(one, trained[index] ?? [], tolerance.float32, names[index]);
  });

  test('a steady step leaves no tensor behind, and dispose frees all', () => {
    freeAll();
    const before = memory().numTensors;
    const { optimizer } = setUp({ ...options, iterateAveraging: scheduleFree });
    step(optimizer, gradientsOf(1));
    const { numTensors, numBytes } = memory();
    for (let t = 2; t <= 5; t++) step(optimizer, gradientsOf(t));
    expect(memory()).toMatchObject({ numTensors, numBytes });
    freeAll();
    optimizer.dispose();
    expect(memory().numTensors).toBe(before);
  });

  test('saved and loaded it goes on as if it had never stopped, bit by bit', async () => {
    const input: GpaAdamWInput = { ...options, iterateAveraging: scheduleFree, weightDecay: 0.1 };
    const run = setUp(input);
    // The dense layer has had no gradient when the state is saved.
    for (let t = 1; t <= 3; t++) step(run.optimizer, onlyBias(t));
    run.optimizer.eval();
    const saved = await run.optimizer.getWeights();
    const copies = saved.map(({ name, tensor: one }) => ({
      name,
      tensor: tensor(one.dataSync(), one.shape, one.dtype as 'float32'),
    }));
    for (const one of saved) one.tensor.dispose();
    const values = run.values();
    const goOn = (optimizer: GpaAdamW) => {
      optimizer.train();
      optimizer.learningRate = 0.03;
      for (let t = 4; t <= 6; t++) step(optimizer, gradientsOf(t));
      return optimizer.iterations;
    };
    expect(goOn(run.optimizer)).toBe(6);
    const expected = run.values();
    const again = setUp(input, values);
    // What it holds from before must go.
    step(again.optimizer, gradientsOf(9));
    for (const [index, one] of again.variables.entries()) {
      const value: Tensor = tensor(values[index] as number[], one.shape);
      one.assign(value);
      value.dispose();
    }
    await again.optimizer.setWeights(copies.reverse());
    for (const one of copies) one.tensor.dispose();
    expect(again.optimizer.mode).toBe('eval');
    expect(goOn(again.optimizer)).toBe(6);
    expect(again.values()).toEqual(expected);
  });
});

test('a variable without a gradient keeps its value, and its corrections count its own gradients', () => {
  const { optimizer, values } = setUp({ ...options, iterateAveraging: gpa });
  for (let t = 1; t <= 3; t++) step(optimizer, onlyBias(t));
  const dense = names.indexOf('dense');
  expect(values()[dense]).toEqual(Array.from(firstValues()[dense] as Float32Array));
  optimizer.eval();
  expect(values()[dense]).toEqual(Array.from(firstValues()[dense] as Float32Array));
  optimizer.train();
  step(optimizer, gradientsOf(4));
  const late = values()[dense];
  const fresh = setUp({ ...options, iterateAveraging: gpa });
  step(fresh.optimizer, gradientsOf(4));
  expect(late).toEqual(fresh.values()[dense]);
});

test('as in the reference, corrections count the steps of the group', () => {
  const { optimizer, values } = setUp({ ...options, iterateAveraging: gpa, compatibility: 'reference' });
  for (let t = 1; t <= 3; t++) step(optimizer, onlyBias(t));
  step(optimizer, gradientsOf(4));
  const dense = names.indexOf('dense');
  const [first, gradient] = [firstValues()[dense] as Float32Array, gradientsOf(4)[dense] as Float32Array];
  const expected = Array.from(first, (one, element) => {
    const g = gradient[element] as number;
    const u = (0.1 * g) / (1 - 0.9 ** 4) / (Math.sqrt((0.01 * g * g) / (1 - 0.99 ** 4)) + 1e-3);
    // Y = Z = X at first, so that c does not show but in the step.
    return one + 0.05 * (0.7 * 0.8 - 1) * u;
  });
  expectClose(values()[dense] as number[], expected, tolerance.float32, 'dense');
});

test.each([gpa, scheduleFree])('a learning rate of 0 moves nothing, and a later one does: %j', (iterateAveraging) => {
  const { optimizer, values } = setUp({ ...options, learningRate: 0, weightDecay: 0.1, iterateAveraging });
  const before = values();
  for (let t = 1; t <= 2; t++) step(optimizer, gradientsOf(t));
  expect(values()).toEqual(before);
  optimizer.learningRate = 0.1;
  step(optimizer, gradientsOf(3));
  for (const [index, one] of values().entries()) {
    expect(one).not.toEqual(before[index]);
    expect(one.every(Number.isFinite)).toBe(true);
  }
});

test.each([
  [gpa, gpa],
  [
    { type: 'schedule-free', trainInterpolation: 0.9, evalLearningRatePower: 2 },
    { type: 'schedule-free', trainInterpolation: 0.9, evalLearningRatePower: 2 },
  ],
] as const)('it equals DistributedShampoo with the direction of Adam: %j', (own, theirs) => {
  const { optimizer, values } = setUp({ ...options, weightDecay: 0.1, iterateAveraging: own });
  for (let t = 1; t <= 5; t++) step(optimizer, gradientsOf(t));
  const actual = values();
  const variables = makeVariables();
  const adam = new DistributedShampoo(
    {
      learningRate: 0.05,
      betas: [0.9, 1],
      preconditioner: { type: 'adam', beta2: 0.99, epsilon: 1e-3 },
      weightDecay: 0.1,
      iterateAveraging: theirs,
    },
    { engine: 'reference' },
  );
  adam.build(variables);
  alive.push(adam);
  for (let t = 1; t <= 5; t++) {
    for (const [index, gradient] of gradientsOf(t).entries()) {
      const name = names[index] as Name;
      const value: Tensor = tensor(gradient as Float32Array, [...shapes[name]]);
      adam.writeGradient(name, value);
      value.dispose();
    }
    adam.step();
  }
  for (const [index, expected] of valuesOf(variables).entries())
    expectClose(actual[index] as number[], expected, tolerance.float32, names[index]);
});

test('groups have options of their own, and keep the ratio of their rates', () => {
  const { optimizer, values } = setUp({
    ...options,
    iterateAveraging: gpa,
    groups: [{ parameters: 'vectors', options: { learningRate: 0.1, iterateAveraging: scheduleFree } }],
  });
  optimizer.learningRate = 0.025;
  for (let t = 1; t <= 2; t++) step(optimizer, gradientsOf(t));
  const [dense, bias] = values();
  const alone = (input: GpaAdamWInput) => {
    const run = setUp(input);
    for (let t = 1; t <= 2; t++) step(run.optimizer, gradientsOf(t));
    return run.values();
  };
  expect(dense).toEqual(alone({ ...options, learningRate: 0.025, iterateAveraging: gpa })[0]);
  expect(bias).toEqual(alone({ ...options, learningRate: 0.05, iterateAveraging: scheduleFree })[1]);
});

test('it starts in evaluation mode, and refuses to step before the loss is computed', () => {
  const x = variable(tensor([3, -2]), true, 'x');
  const optimizer = new GpaAdamW({ learningRate: 0.1, iterateAveraging: gpa });
  alive.push(x, optimizer);
  const loss = vi.fn(() => sum(square(x)) as Scalar);
  expect(() => optimizer.minimize(loss, false, [x])).toThrow(
    expect.objectContaining({ code: 'bad-state', message: expect.stringContaining('train()') }),
  );
  expect(() => optimizer.applyGradients({ x })).toThrow(expect.objectContaining({ code: 'bad-state' }));
  expect(loss).not.toHaveBeenCalled();
  optimizer.train();
  const first = optimizer.minimize(loss, true, [x])?.dataSync()[0] as number;
  for (let i = 0; i < 100; i++) optimizer.minimize(loss, false, [x]);
  optimizer.eval();
  expect(loss().dataSync()[0]).toBeLessThan(first / 10);
  expect(() => optimizer.minimize(loss)).toThrow(expect.objectContaining({ code: 'bad-state' }));
});

test('a gradient that fits no variable is refused, and nothing changes', () => {
  const { optimizer, values } = setUp(options);
  const before = values();
  const [good, bad] = [tensor(gradientsOf(1)[0] as Float32Array, [4, 3]), tensor([1, 2])];
  alive.push(good, bad);
  for (const name of ['bias', 'other'])
    expect(() => optimizer.applyGradients({ dense: good, [name]: bad })).toThrow(
      expect.objectContaining({ code: 'bad-variable', message: expect.stringContaining(`"${name}"`) }),
    );
  expect(values()).toEqual(before);
  expect(optimizer.iterations).toBe(0);
});

test('state of other variables or groups is refused by name, and nothing changes', async () => {
  const { optimizer, values } = setUp(options);
  step(optimizer, gradientsOf(1));
  const saved = await optimizer.getWeights();
  const wrong = tensor([1, 2]);
  alive.push(wrong, ...saved.map(({ tensor: one }) => one));
  const without = (name: string) => saved.filter((one) => one.name !== name);
  for (const [weights, name] of [
    [without('dense/m'), 'dense/m'],
    [without('groups.0/counters'), 'groups.0/counters'],
    [[...without('bias/z'), { name: 'bias/z', tensor: wrong }], 'bias/z'],
    [[...saved, { name: 'groups.1/counters', tensor: wrong }], 'groups.1/counters'],
  ] as const)
    await expect(optimizer.setWeights([...weights])).rejects.toMatchObject({
      code: 'checkpoint-mismatch',
      message: expect.stringContaining(`"${name}"`),
    });
  step(optimizer, gradientsOf(2));
  const after = values();
  const undisturbed = setUp(options);
  for (let t = 1; t <= 2; t++) step(undisturbed.optimizer, gradientsOf(t));
  expect(after).toEqual(undisturbed.values());
});

test('building twice, state before it, and a group of nobody are refused', async () => {
  const variables = makeVariables();
  const optimizer = new GpaAdamW({ groups: [{ parameters: ['nobody'], options: {} }] });
  await expect(optimizer.getWeights()).rejects.toMatchObject({ code: 'bad-state' });
  await expect(optimizer.setWeights([])).rejects.toMatchObject({ code: 'bad-state' });
  expect(() => optimizer.build(variables)).toThrow(expect.objectContaining({ code: 'bad-option' }));
  const built = setUp({});
  expect(() => built.optimizer.build(built.variables)).toThrow(expect.objectContaining({ code: 'bad-state' }));
});

test('the configuration is what was given', () => {
  const input: GpaAdamWInput = { learningRate: 0.1, iterateAveraging: { type: 'schedule-free' } };
  expect(new GpaAdamW(input).getConfig()).toEqual(input);
});
