import './engines.ts';
import { type Eigh, ReferenceEngine, type Slot } from '@distributed-shampoo/tensor';
import { tensor, variable } from '@tensorflow/tfjs-core';
import { afterEach, expect, test } from 'vitest';
import { DistributedShampoo } from '../src/index.ts';

/** An engine whose eigensolver can be made to fail. */
class Fragile extends ReferenceEngine {
  broken = false;
  override eigh(values: Slot, vectors: Slot, status: Slot, how: Eigh): void {
    super.eigh(values, vectors, status, how);
    if (this.broken) this.values(status)[0] = 3;
  }
}

let alive: { dispose(): void }[] = [];
afterEach(() => {
  for (const thing of alive) thing.dispose();
});

function setUp() {
  const engine = new Fragile();
  const weights = variable(tensor([1, 2, 3, 4], [2, 2]), true, 'weights');
  const optimizer = new DistributedShampoo(
    { learningRate: 0.1, betas: [0, 1], epsilon: 1e-3, preconditioner: { type: 'root-inverse', toleratedFailures: 2 } },
    { engine },
  );
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
    { block: 'weights/block [0]', step: 2, reason: expect.stringContaining('did not converge (status 3)') },
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
