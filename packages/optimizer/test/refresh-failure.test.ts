import './engines.ts';
import { type Eigh, ReferenceEngine, type Slot } from '@distributed-shampoo/tensor';
import { tensor, variable } from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, test } from 'vitest';
import { DistributedShampoo, type ShampooInput } from '../src/index.ts';

/** An engine whose decompositions, and whose measure of a coupled iteration, can be made to fail. */
class Fragile extends ReferenceEngine {
  broken = false;
  override eigh(values: Slot, vectors: Slot, status: Slot, how: Eigh): void {
    super.eigh(values, vectors, status, how);
    this.#spoil(status, 3);
  }
  override orthonormalRows(matrix: Slot, status: Slot): void {
    super.orthonormalRows(matrix, status);
    this.#spoil(status, 3);
  }
  override distanceFromIdentity(out: Slot, matrix: Slot): void {
    super.distanceFromIdentity(out, matrix);
    this.#spoil(out, Number.NaN);
  }
  #spoil(slot: Slot, value: number): void {
    if (this.broken) this.values(slot)[0] = value;
  }
}

let alive: { dispose(): void }[] = [];
afterEach(() => {
  for (const thing of alive) thing.dispose();
  alive = [];
});

const root = { type: 'root-inverse', toleratedFailures: 2 } as const;

function setUp(options: ShampooInput = { preconditioner: root }) {
  for (const thing of alive) thing.dispose();
  const engine = new Fragile();
  const weights = variable(tensor([1, 2, 3, 4], [2, 2]), true, 'weights');
  // Kept a matrix, so that KL-Shampoo's factors look at each other.
  const shared: ShampooInput = { learningRate: 0.1, betas: [0, 1], epsilon: 1e-3, targetParameterDimensionality: 2 };
  const optimizer = new DistributedShampoo({ ...shared, ...options }, { engine });
  optimizer.build([weights]);
  const step = (seed: number) => {
    optimizer.writeGradient(weights.name, tensor([seed, 1, -1, 2 * seed], [2, 2]));
    return optimizer.step();
  };
  alive = [optimizer, weights];
  return { engine, step, value: () => Array.from(weights.dataSync()) };
}

test('a root that fails leaves the old one in use, and is reported', () => {
  const { engine, step, value } = setUp();
  step(1);
  const before = value();
  engine.broken = true;
  const { failures } = step(2);
  expect(failures).toEqual([
    { block: 'weights/block [0, 0]', step: 2, reason: expect.stringContaining('did not converge (status 3)') },
    { block: 'weights/block [0, 0]', step: 2, reason: expect.stringContaining('did not converge (status 3)') },
  ]);
  // The step is taken with the roots of step 1.
  const moved = value().map((x, i) => x - (before[i] as number));
  expect(moved.every((d) => Number.isFinite(d) && d !== 0)).toBe(true);
});

test('failures in a row beyond what is tolerated end the run, after a whole step', () => {
  const { engine, step, value } = setUp();
  engine.broken = true;
  step(1);
  step(2);
  const before = value();
  expect(() => step(3)).toThrow(
    expect.objectContaining({ code: 'refresh-failed', message: expect.stringContaining('did not converge') }),
  );
  expect(value()).not.toEqual(before);
});

test('one success in between starts the count anew', () => {
  const { engine, step } = setUp();
  for (const broken of [true, true, false, true, true]) {
    engine.broken = broken;
    step(1);
  }
  expect(() => step(1)).toThrow(expect.objectContaining({ code: 'refresh-failed' }));
});

const higherOrder = { method: 'coupled-higher-order', relativeEpsilon: 0, absoluteEpsilon: 1e-3 } as const;

describe.each([
  { type: 'root-inverse', method: 'eigen' },
  { type: 'root-inverse', method: 'coupled-newton' },
  { type: 'root-inverse', ...higherOrder },
  { type: 'kl-root-inverse', method: 'eigen' },
  { type: 'kl-root-inverse', method: 'coupled-newton' },
  { type: 'kl-root-inverse', ...higherOrder },
  { type: 'eigendecomposed', method: 'eigh' },
  { type: 'eigendecomposed', method: 'eigh', tolerance: 1e-3 },
  { type: 'eigendecomposed', method: 'qr' },
  { type: 'kl-eigendecomposed', method: 'eigh' },
  { type: 'kl-eigendecomposed', method: 'qr' },
  { type: 'eigenvalue-corrected', method: 'eigh' },
  { type: 'eigenvalue-corrected', method: 'qr' },
] as const)('%o', (preconditioner) => {
  /** Weights after each of the first `steps` steps; the solver fails at some of them. */
  function trajectory(options: ShampooInput, { failAt = [], steps = 9 }: { failAt?: readonly number[]; steps?: number } = {}) {
    const { engine, step, value } = setUp({ preconditioner, ...options });
    return Array.from({ length: steps }, (_, index) => {
      engine.broken = failAt.includes(index + 1);
      const { failures } = step(index + 1);
      expect(failures).toHaveLength(engine.broken ? 2 : 0);
      return value();
    });
  }

  test('a refresh that fails is a refresh that was not due', () => {
    const kept = trajectory({ preconditionFrequency: 1, startPreconditioningStep: 4 }, { failAt: [5, 7, 8] });
    expect(kept).toEqual(trajectory({ preconditionFrequency: 3, startPreconditioningStep: 4 }));
    // And one that succeeds makes a difference.
    expect(kept).not.toEqual(trajectory({ preconditionFrequency: 1, startPreconditioningStep: 4 }));
  });

  test('the first may fail too', () => {
    const kept = trajectory({ preconditionFrequency: 1 }, { failAt: [1, 2], steps: 4 });
    expect(kept).toEqual(trajectory({ preconditionFrequency: 1, startPreconditioningStep: 3 }, { steps: 4 }));
  });

  test.each([0, 1, 3])('%d failures in a row are tolerated, for each parameter alone, and no more', (toleratedFailures) => {
    const { engine, step, value } = setUp({ preconditioner: { ...preconditioner, toleratedFailures } });
    for (let round = 0; round < 2; round++) {
      engine.broken = true;
      for (let failure = 0; failure < toleratedFailures; failure++) step(failure + 2);
      engine.broken = false;
      step(9);
    }
    engine.broken = true;
    for (let failure = 0; failure < toleratedFailures; failure++) step(failure + 2);
    const before = value();
    expect(() => step(1)).toThrow(
      expect.objectContaining({ code: 'refresh-failed', message: expect.stringContaining('weights/block [0, 0]') }),
    );
    // The step itself is whole.
    const after = value();
    expect(after).not.toEqual(before);
    expect(after.every(Number.isFinite)).toBe(true);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, 1e30])('a gradient with %d is refused, and leaves nothing behind', (bad) => {
    const { step, value } = setUp({ preconditioner, betas: [0.9, 0.99], grafting: { type: 'adam' } });
    for (let t = 1; t <= 2; t++) step(t);
    const before = value();
    expect(() => step(bad)).toThrow(
      expect.objectContaining({ code: 'not-finite', message: expect.stringContaining('"weights"') }),
    );
    expect(value()).toEqual(before);
    for (let t = 3; t <= 5; t++) step(t);
    const continued = value();
    const untouched = setUp({ preconditioner, betas: [0.9, 0.99], grafting: { type: 'adam' } });
    for (let t = 1; t <= 5; t++) untouched.step(t);
    expect(continued).toEqual(untouched.value());
  });
});

test('a coupled iteration that runs out of rounds keeps its root and is counted', () => {
  const { step } = setUp({
    preconditioner: { type: 'root-inverse', method: 'coupled-newton', maxIterations: 1, toleratedFailures: 1 },
  });
  const { failures } = step(3);
  expect(failures.map(({ reason }) => reason)).toEqual(new Array(2).fill(expect.stringContaining('did not converge')));
  expect(() => step(3)).toThrow(expect.objectContaining({ code: 'refresh-failed' }));
});

test('with compatibility "reference" such an iteration is used', () => {
  const { step } = setUp({
    compatibility: 'reference',
    preconditioner: { type: 'root-inverse', method: 'coupled-newton', maxIterations: 1, toleratedFailures: 0 },
  });
  expect(step(3).failures).toEqual([]);
});
