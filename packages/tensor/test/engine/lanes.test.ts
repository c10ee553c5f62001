import { seededRandom } from '@distributed-shampoo/testing';
import { expect, test } from 'vitest';
import type { MatrixEngine, Slot, Task } from '../../src/engine/matrix-engine.ts';
import { blasEngine } from './engines.ts';

const N = 48;

/** Blocks, each with a chain of operations through lane scratch; what the chains leave behind. */
function results(lanes: number, blocks: number, rounds = 1): number[][] {
  const engine = blasEngine(lanes);
  const chains = Array.from({ length: blocks }, (_, index) => layOut(engine, index));
  const pages = Math.ceil(engine.arenaBytes / 65536) + 1;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  engine.open({ memory, arenaOffset: 0, flatOffsets: { gradients: 0, directions: 0, weights: 0 } });
  for (const [index, { x }] of chains.entries()) engine.values(x).set(seededRandom(index).normals(N * N));
  for (let round = 0; round < rounds; round++) engine.parallel(chains.map(({ task }) => task));
  const all = chains.map(({ out }) => Array.from(engine.values(out)));
  engine.dispose();
  return all;
}

function layOut(engine: MatrixEngine, index: number): { x: Slot; out: Slot; task: Task } {
  const x = engine.allocate([1, N, N]);
  const out = engine.allocate([1, N, N]);
  const frame = engine.frame();
  const scratch = frame.allocate([1, N, N]);
  const values = frame.allocate([1, N]);
  const status = frame.allocate([1, 1]);
  frame.reserve({ operation: 'eigh', n: N, precision: 'float32' });
  return {
    x,
    out,
    task: () => {
      engine.modeGram(scratch, x, { mode: 0, decay: 0, weight: 1 / (index + 1) });
      engine.eigh(values, scratch, status, { diagonal: 0.1, precision: 'float32' });
      engine.scaleRows(scratch, values);
      engine.modeProduct(out, x, scratch, { mode: 1 });
    },
  };
}

test('any number of lanes gives the same bits', () => {
  const one = results(1, 20);
  expect(one.flat().every(Number.isFinite)).toBe(true);
  for (const lanes of [2, 3, 5]) expect(results(lanes, 20)).toEqual(one);
});

test('started tasks are done after finish, and before whatever else the engine is asked', () => {
  for (const lanes of [1, 3]) {
    const engine = blasEngine(lanes);
    const chains = Array.from({ length: 6 }, (_, index) => layOut(engine, index));
    const pages = Math.ceil(engine.arenaBytes / 65536) + 1;
    engine.open({
      memory: new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }),
      arenaOffset: 0,
      flatOffsets: { gradients: 0, directions: 0, weights: 0 },
    });
    for (const [index, { x }] of chains.entries()) engine.values(x).set(seededRandom(index).normals(N * N));
    const tasks = chains.map(({ task }) => task);
    const outputs = () => chains.map(({ out }) => Array.from(engine.values(out)));
    engine.parallel(tasks);
    const expected = outputs();
    const after: readonly (() => void)[] = [
      () => engine.finish(),
      () => engine.parallel([]),
      () => engine.start([]),
      () => undefined,
    ];
    for (const ask of after) {
      for (const { out } of chains) engine.values(out).fill(0);
      engine.start(tasks);
      ask();
      expect(outputs()).toEqual(expected);
    }
    engine.start(tasks);
    engine.dispose();
  }
});

test('more tasks than the queue holds are taken in several rounds', () => {
  const engine = blasEngine(2);
  const counters = Array.from({ length: 5000 }, () => engine.allocate([1, 1]));
  const one = engine.allocate([1, 1]);
  const pages = Math.ceil(engine.arenaBytes / 65536) + 1;
  engine.open({
    memory: new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }),
    arenaOffset: 0,
    flatOffsets: { gradients: 0, directions: 0, weights: 0 },
  });
  engine.values(one)[0] = 1;
  // 8 commands of 6 numbers a task: 240,000 numbers, twice what fits, and more tasks than fit.
  const increment = (slot: Slot) => () => {
    for (let i = 0; i < 8; i++) engine.combine(slot, one, { a: 1, b: 1 });
  };
  for (let round = 0; round < 3; round++) engine.parallel(counters.map(increment));
  expect(new Set(counters.map((slot) => engine.values(slot)[0]))).toEqual(new Set([24]));
  engine.dispose();
});

test('misuse is refused with a reason', () => {
  const engine = blasEngine(1);
  const slot = engine.allocate([1, 4]);
  expect(() => blasEngine(0)).toThrow(expect.objectContaining({ code: 'bad-argument' }));
  const small = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  expect(() => engine.open({ memory: small, arenaOffset: 0, flatOffsets: { gradients: 0, directions: 0, weights: 0 } })).toThrow(
    expect.objectContaining({ code: 'bad-layout' }),
  );
  const pages = Math.ceil(engine.arenaBytes / 65536) + 1;
  engine.open({
    memory: new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }),
    arenaOffset: 0,
    flatOffsets: { gradients: 0, directions: 0, weights: 0 },
  });
  expect(() => engine.allocate([1, 1])).toThrow(expect.objectContaining({ code: 'bad-layout' }));
  expect(() => engine.parallel([() => engine.parallel([])])).toThrow(expect.objectContaining({ code: 'bad-argument' }));
  // A task that throws leaves the engine usable.
  expect(() =>
    engine.parallel([
      () => {
        throw new Error('no');
      },
    ]),
  ).toThrow('no');
  engine.parallel([() => engine.combine(slot, slot, { a: 1, b: 0 })]);
  engine.dispose();
  engine.dispose();
  expect(() => engine.parallel([() => engine.combine(slot, slot, { a: 1, b: 0 })])).toThrow(
    expect.objectContaining({ code: 'disposed' }),
  );
});
