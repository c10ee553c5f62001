import { createEngine, type MatrixEngine, type Slot } from '@distributed-shampoo/tensor';
import { type Random, seededRandom } from '@distributed-shampoo/testing';
import { tensor, type Variable, variable } from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, test } from 'vitest';
import { blockSlots, type OwnedBlock } from '../src/block.ts';
import { DistributedShampoo, type ShampooInput } from '../src/index.ts';
import { parseOptions } from '../src/options.ts';
import { makePlan } from '../src/plan/plan.ts';
import { Shard } from '../src/shard.ts';
import { describeVariables } from '../src/variables.ts';
import { engines } from './engines.ts';

type Preconditioner = NonNullable<ShampooInput['preconditioner']>;
type Storage = 'square' | 'packed' | 'bfloat16';

const shapes: readonly (readonly number[])[] = [[20, 12], [3, 3, 4, 5], [7]];
const options = (preconditioner: Preconditioner): ShampooInput => ({
  learningRate: 0.05,
  betas: [0.9, 0.9],
  epsilon: 1e-4,
  maxPreconditionerDim: 16,
  preconditionFrequency: 2,
  targetParameterDimensionality: 2,
  preconditioner,
  grafting: { type: 'adam', epsilon: 1e-8 },
});

let alive: { dispose(): void }[] = [];
afterEach(() => {
  for (const thing of alive) thing.dispose();
  alive = [];
});

const filled = (random: Random, shape: readonly number[]) => random.normals(shape.reduce((a, b) => a * b, 1));

function makeVariables(of = shapes): Variable[] {
  const random = seededRandom(1);
  const made = of.map((shape, index) => variable(tensor(filled(random, shape), [...shape]), true, `w${index}`));
  alive.push(...made);
  return made;
}

/** The variables after some steps, all in one. */
function trajectory(engine: string, input: ShampooInput, { steps = 7, of = shapes } = {}): number[] {
  const variables = makeVariables(of);
  const optimizer = new DistributedShampoo(input, { engine });
  alive.push(optimizer);
  optimizer.build(variables);
  for (let t = 1; t <= steps; t++) {
    for (const [index, shape] of of.entries())
      optimizer.writeGradient(`w${index}`, tensor(filled(seededRandom(100 * t + index), shape), [...shape]));
    optimizer.step();
  }
  const values = variables.flatMap((one) => Array.from(one.dataSync<'float32'>()));
  for (const thing of alive.splice(0)) thing.dispose();
  return values;
}

const preconditioners: readonly (readonly [string, Preconditioner])[] = [
  ['root-inverse', { type: 'root-inverse' }],
  ['root-inverse with trace scaling', { type: 'root-inverse', traceScaling: true }],
  ['coupled Newton', { type: 'root-inverse', method: 'coupled-newton' }],
  ['eigendecomposed', { type: 'eigendecomposed', method: 'qr' }],
  ['KL-Shampoo', { type: 'kl-root-inverse' }],
  ['SOAP', { type: 'eigenvalue-corrected', method: 'qr' }],
];

describe.each(engines)('on %s', (engine) => {
  test.each(preconditioners)('packed factors give the bits of square ones: %s', (_, preconditioner) => {
    const squares = trajectory(engine, options(preconditioner));
    expect(squares.every(Number.isFinite)).toBe(true);
    expect(trajectory(engine, options({ ...preconditioner, factorStorage: 'packed' } as Preconditioner))).toEqual(squares);
  });
});

/**
 * Factors of 16 x 16 normal numbers are 16 on the diagonal, their eigenvalues 7 and above. A rounding moves an entry by 2^-8 of itself at most, to either side, and at
 * beta2 = 0.9 ten of them decay into one another: 0.08 in the mean square, 0.6 at the very worst. A root of 1/4 makes 0.3 percent of the former, and two roots 0.4.
 */
const MEAN_SHARE = 0.004;

describe.each(engines.filter((engine) => engine !== 'tfjs'))('on %s', (engine) => {
  test.each([
    ['root-inverse', { type: 'root-inverse' }],
    ['coupled Newton', { type: 'root-inverse', method: 'coupled-newton' }],
    ['eigendecomposed', { type: 'eigendecomposed' }],
  ] as const)('factors in bfloat16 move parameters as square ones do, but for 0.4 percent: %s', (_, preconditioner) => {
    const of = [[16, 16]];
    const before = trajectory(engine, options(preconditioner), { steps: 0, of });
    const squares = trajectory(engine, options(preconditioner), { of });
    const rounded = trajectory(engine, options({ ...preconditioner, factorStorage: 'bfloat16' }), { of });
    const distance = (a: readonly number[], b: readonly number[]) => Math.hypot(...a.map((x, i) => x - (b[i] as number)));
    const share = distance(rounded, squares) / distance(squares, before);
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(MEAN_SHARE);
  });
});

test('a precision that the engine has not is refused by the path of the option', () => {
  const build = (input: ShampooInput) => () => new DistributedShampoo(input, { engine: 'tfjs' }).build(makeVariables());
  expect(build(options({ type: 'root-inverse', factorStorage: 'bfloat16' }))).toThrow(
    expect.objectContaining({
      code: 'bad-option',
      details: { path: ['preconditioner', 'factorStorage'] },
      message: expect.stringMatching(/^preconditioner\.factorStorage: is "bfloat16".*tfjs.*Take "packed"/),
    }),
  );
});

test('a group whose own option the engine cannot have is named', () => {
  const groups = [
    { parameters: 'vectors' as const, options: { preconditioner: { type: 'root-inverse', factorStorage: 'bfloat16' } } },
  ];
  const build = () =>
    new DistributedShampoo({ ...options({ type: 'adam' }), grafting: null, groups }, { engine: 'tfjs' }).build(makeVariables());
  expect(build).toThrow(
    expect.objectContaining({
      code: 'bad-option',
      details: { path: ['groups', '0', 'options', 'preconditioner', 'factorStorage'] },
    }),
  );
});

test('an unknown storage is refused with those that there are', () => {
  const input = { preconditioner: { type: 'root-inverse', factorStorage: 'float16' } } as unknown as ShampooInput;
  expect(() => new DistributedShampoo(input)).toThrow(
    expect.objectContaining({ code: 'bad-option', message: expect.stringMatching(/factorStorage.*square.*packed.*bfloat16/) }),
  );
});

/** A shard of one block of 48 x 32 whose state is laid out, on an engine that is not open. */
function layOut(engine: MatrixEngine, preconditioner: Preconditioner): Shard {
  const value = variable(tensor(new Float32Array(48 * 32), [48, 32]), true, 'matrix');
  const parsed = parseOptions({ ...options(preconditioner), maxPreconditionerDim: 48 });
  const plan = makePlan(describeVariables([value], parsed), { ranks: 1, cost: parsed.cost });
  value.dispose();
  return new Shard({ engine, plan, options: parsed, rank: 0 });
}

function open(engine: MatrixEngine): void {
  const floats = 48 * 32;
  const arenaOffset = 3 * 4 * floats;
  const pages = Math.ceil((arenaOffset + engine.arenaBytes) / 65536);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  engine.open({ memory, arenaOffset, flatOffsets: { gradients: 0, directions: 4 * floats, weights: 8 * floats } });
}

test('a factor takes the bytes that its storage says', () => {
  // Newton's scratch is larger than the square that packed factors are brought into: it takes the same with all storages.
  const bytes = (factorStorage: Storage) => {
    const engine = createEngine('blas', 2);
    layOut(engine, { type: 'root-inverse', method: 'coupled-newton', factorStorage });
    return engine.arenaBytes;
  };
  const aligned = (length: number) => Math.ceil(length / 64) * 64;
  const sum = (of: (n: number) => number) => aligned(of(48)) + aligned(of(32));
  const squares = sum((n) => 4 * n * n);
  expect(bytes('square') - bytes('packed')).toBe(squares - sum((n) => 2 * n * (n + 1)));
  expect(bytes('square') - bytes('bfloat16')).toBe(squares - sum((n) => n * (n + 1)));
});

/** A shard on an engine that is open, and what a step with a gradient of its own leaves as direction. */
function running(preconditioner: Preconditioner) {
  const engine = createEngine('blas', 1);
  const shard = layOut(engine, preconditioner);
  open(engine);
  shard.start();
  alive.push(shard);
  const [block] = shard.blocks as [OwnedBlock];
  return {
    engine,
    slots: blockSlots(block),
    take(t: number): number[] {
      engine.values(block.gradient).set(filled(seededRandom(t), [48, 32]));
      shard.step({ present: () => true, rate: () => 0.1 });
      return Array.from(engine.values(block.direction));
    },
  };
}

test.each(['square', 'packed', 'bfloat16'] as const)(
  'what is read of a block, written to another, goes on alike: %s',
  (storage) => {
    const preconditioner = { type: 'root-inverse', factorStorage: storage } as const;
    const first = running(preconditioner);
    for (let t = 1; t <= 3; t++) first.take(t);
    const saved = Object.entries(first.slots).map(([name, slot]) => [name, first.engine.values(slot).slice()] as const);
    const expected = first.take(4);
    expect(saved.map(([name]) => name)).toEqual(expect.arrayContaining(['factor 0', 'factor 1', 'root 0', 'root 1', 'moment']));
    const places = { square: 48 * 48, packed: (48 * 49) / 2, bfloat16: (48 * 49) / 4 };
    expect(saved.find(([name]) => name === 'factor 0')?.[1].length).toBe(places[storage]);
    // Counters are saved beside the slots: here by as many steps with other gradients.
    const second = running(preconditioner);
    for (let t = 1; t <= 3; t++) second.take(50 + t);
    for (const [name, values] of saved) second.engine.values(second.slots[name] as Slot).set(values);
    expect(second.take(4)).toEqual(expected);
  },
);

test('a factor in bfloat16 is off by no more than its roundings', () => {
  const [squares, rounded] = [
    running({ type: 'eigenvalue-corrected' }),
    running({ type: 'eigenvalue-corrected', factorStorage: 'bfloat16' }),
  ];
  const slot = rounded.slots['factor 0'] as Slot;
  const numbers = () => {
    const { buffer, byteOffset, byteLength } = rounded.engine.values(slot);
    const halves = new Uint16Array(buffer, byteOffset, byteLength / 2);
    return Array.from(new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer));
  };
  const lower = () => Array.from(squares.engine.values(squares.slots['factor 0'] as Slot)).filter((_, at) => at % 48 <= at / 48);
  const bounds = new Array<number>((48 * 49) / 2).fill(0);
  for (let t = 1; t <= 20; t++) {
    squares.take(t);
    rounded.take(t);
    const now = numbers();
    // What earlier roundings left decays with the factor, and this one adds 2^-8 of the entry; a share of a hundredth for float32.
    for (const [i, x] of now.entries()) bounds[i] = 0.9 * (bounds[i] as number) + 1.01 * 2 ** -8 * Math.abs(x);
    const exact = lower();
    const excess = now.map((x, i) => Math.abs(x - (exact[i] as number)) - (bounds[i] as number) - 1e-5);
    expect(Math.max(...excess)).toBeLessThan(0);
  }
  expect(numbers()).not.toEqual(lower());
});
