import { seededRandom } from '@distributed-shampoo/testing';
import { expect, test } from 'vitest';
import { CHUNK } from '../../src/engine/blas/element-run.ts';
import type { MatrixEngine, Slot, Task } from '../../src/engine/matrix-engine.ts';
import { blasEngine } from './engines.ts';

/** Operations on the same elements in one task are done piece by piece; each in a task of its own is done whole. */
interface Work {
  readonly slots: readonly Slot[];
  readonly operations: readonly Task[];
}

type Shape = readonly number[];

function outcome(layOut: (engine: MatrixEngine) => Work, how: 'one task' | 'one by one', rounds = 1): Float32Array[] {
  const engine = blasEngine(1);
  const { slots, operations } = layOut(engine);
  const pages = Math.ceil((engine.arenaBytes + 16 * 4 * CHUNK) / 65536) + 1;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  engine.open({ memory, arenaOffset: 16 * 4 * CHUNK, flatOffsets: { gradients: 0, directions: 0, weights: 0 } });
  for (const [index, slot] of slots.entries()) {
    const values = engine.values(slot);
    values.set(
      seededRandom(index)
        .normals(values.length)
        .map((x) => (index === 0 ? x * x : x)),
    );
  }
  for (let round = 0; round < rounds; round++) {
    if (how === 'one by one') for (const operation of operations) engine.parallel([operation]);
    else
      engine.parallel([
        () => {
          for (const operation of operations) operation();
        },
      ]);
  }
  const results = slots.map((slot) => new Float32Array(engine.values(slot)));
  engine.dispose();
  return results;
}

/** A step's: second moments, a filtered gradient, its norm as Adam has it, and back to a length. */
const step =
  (shape: Shape) =>
  (engine: MatrixEngine): Work => {
    const [v, m, g, out] = [1, 2, 3, 4].map(() => engine.allocate(shape)) as [Slot, Slot, Slot, Slot];
    const [target, current] = [engine.allocate([shape[0] as number, 1]), engine.allocate([shape[0] as number, 1])];
    return {
      slots: [v, m, g, out, target, current],
      operations: [
        () => engine.addSquares(v, g, { decay: 0.9, weight: 0.1 }),
        () => engine.lerp(m, m, g, { weight: 0.1 }),
        () => engine.combine(out, m, { a: 2, b: 0 }),
        () => engine.normOfQuotient(target, out, v, { correction: 0.5, epsilon: 1e-8 }),
        () => engine.norm(current, out),
        // Needs what the norms come to: another run begins here.
        () => engine.rescale(out, target, current),
        () => engine.combine(out, g, { a: -0.1, b: 0.3 }),
        () => engine.divideByRoot(m, out, v, { correction: 1, epsilon: 1e-4 }),
      ],
    };
  };

test.each<[string, Shape]>([
  ['two chunks', [1, 2 * CHUNK]],
  ['a rest', [1, 128, 300]],
  ['a stack, each member alone', [3, 2 * CHUNK + 5]],
  ['too few to be cut', [2, 2 * CHUNK - 1]],
])('a run of operations in pieces does what they do one by one: %s', (_, shape) => {
  const pieces = outcome(step(shape), 'one task', 2);
  const whole = outcome(step(shape), 'one by one', 2);
  for (const [index, values] of pieces.entries()) {
    // A norm is the sum of other parts: float64 within, float32 at the end, and what is rescaled by it.
    for (let i = 0; i < values.length; i++) {
      const expected = whole[index]?.[i] as number;
      if (Math.abs((values[i] as number) - expected) > 4e-7 * Math.max(1, Math.abs(expected)))
        expect.fail(`slot ${index}, element ${i}: ${values[i]} instead of ${expected}`);
    }
  }
  // Where no norm is in between, to the bit.
  for (const index of [0, 2]) expect(pieces[index]).toEqual(whole[index]);
});

test('slots that lie across each other are not cut', () => {
  const length = 3 * CHUNK;
  const shifted = (engine: MatrixEngine): Work => {
    const early = engine.overlay('gradients', 0, [1, length]);
    const late = engine.overlay('gradients', CHUNK, [1, length]);
    const other = engine.allocate([1, length]);
    return {
      slots: [other, early, late],
      operations: [() => engine.combine(other, early, { a: 1, b: 0 }), () => engine.combine(late, other, { a: 1, b: 1 })],
    };
  };
  expect(outcome(shifted, 'one task')).toEqual(outcome(shifted, 'one by one'));
});

test('the commands are whole after a run: a loop does them again', () => {
  const rounds = (engine: MatrixEngine): Work => {
    const [v, x] = [engine.allocate([1, 3 * CHUNK]), engine.allocate([1, 3 * CHUNK])];
    const stop = engine.allocate([1, 1]);
    return {
      slots: [v, x, stop],
      operations: [
        () => engine.fill(stop, { value: 0 }),
        () =>
          engine.repeat(stop, { max: 3 }, () => {
            engine.addSquares(v, x, { decay: 0.5, weight: 0.5 });
            engine.combine(x, v, { a: 0.1, b: 0.9 });
          }),
      ],
    };
  };
  const expected = (engine: MatrixEngine): Work => {
    const [v, x] = [engine.allocate([1, 3 * CHUNK]), engine.allocate([1, 3 * CHUNK])];
    const operations = [1, 2, 3].flatMap(() => [
      () => engine.addSquares(v, x, { decay: 0.5, weight: 0.5 }),
      () => engine.combine(x, v, { a: 0.1, b: 0.9 }),
    ]);
    return { slots: [v, x], operations };
  };
  expect(outcome(rounds, 'one task').slice(0, 2)).toEqual(outcome(expected, 'one by one'));
});
