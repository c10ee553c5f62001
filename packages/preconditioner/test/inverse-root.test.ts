import { createEngine, type MatrixEngine, type RankDeficiency } from '@distributed-shampoo/tensor';
import { useBlas } from '@distributed-shampoo/tensor/node';
import { expectClose, tolerance } from '@distributed-shampoo/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { inverseRoot, inverseRootScratch } from '../src/index.ts';
import { at, identity, type Matrix, multiply, orthogonal, positiveDefinite } from './matrices.ts';

beforeAll(async () => {
  await useBlas();
});

interface Options {
  readonly exponent: number;
  readonly epsilon?: number;
  readonly rankDeficiency?: RankDeficiency;
  readonly precision?: 'float32' | 'float64';
}

function rootOf(
  engineName: string,
  a: ArrayLike<number>,
  { exponent, epsilon = 1e-30, rankDeficiency = { type: 'perturbation', before: true }, precision = 'float64' }: Options,
) {
  const engine: MatrixEngine = createEngine(engineName, 1);
  const n = Math.sqrt(a.length);
  const frame = engine.frame();
  const scratch = inverseRootScratch(frame, [1, n], precision);
  const matrix = engine.allocate([1, n, n]);
  const root = engine.allocate([1, n, n]);
  const status = engine.allocate([1, 1]);
  const pages = Math.ceil(engine.arenaBytes / 65536) + 1;
  engine.open({
    memory: new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }),
    arenaOffset: 0,
    flatOffsets: { gradients: 0, directions: 0, weights: 0 },
  });
  engine.values(matrix).set(Array.from(a));
  engine.parallel([
    () => {
      engine.scaleFactor(scratch.matrix, matrix, { scale: 1, traceExponent: 0, traceFloor: 0 });
      inverseRoot(engine, { root, status, scratch }, { exponent, epsilon, rankDeficiency, precision });
    },
  ]);
  const result = { root: Array.from(engine.values(root)), status: at(engine.values(status), 0) };
  engine.dispose();
  return result;
}

describe.each(['reference', 'blas'])('inverse root on %s', (engine) => {
  test.each([1, 2, 3, 4, 6])('X^%i A = I', (power) => {
    for (const n of [1, 2, 5, 17, 64]) {
      const a = positiveDefinite(n, 1e3, n);
      const { root, status } = rootOf(engine, a, { exponent: 1 / power });
      expect(status).toBe(0);
      let product: Matrix = Float64Array.from(a);
      for (let i = 0; i < power; i++) product = multiply(root, product, n);
      expectClose(product, identity(n), tolerance.iterated32, `order ${n}`);
    }
  });

  test('the root of c A is c^(-exponent) times the root of A', () => {
    const a = positiveDefinite(20, 1e3, 4);
    const one = rootOf(engine, a, { exponent: 0.25 }).root;
    const sixteen = rootOf(
      engine,
      a.map((x) => 16 * x),
      { exponent: 0.25 },
    ).root;
    expectClose(
      sixteen,
      one.map((x) => x / 2),
      tolerance.iterated32,
    );
  });

  test('a change of basis goes through: root of Q A Q^T is Q root Q^T', () => {
    const n = 12;
    const a = positiveDefinite(n, 100, 5);
    const q = orthogonal(n, 6);
    const transposed = q.map((_, i) => at(q, (i % n) * n + Math.floor(i / n)));
    const turned = rootOf(engine, multiply(multiply(q, a, n), transposed, n), { exponent: 0.5 }).root;
    expectClose(turned, multiply(multiply(q, rootOf(engine, a, { exponent: 0.5 }).root, n), transposed, n), tolerance.iterated32);
  });

  test('diagonal input gives the powers of its diagonal', () => {
    const { root } = rootOf(engine, [16, 0, 0, 0, 1, 0, 0, 0, 81], { exponent: 0.25 });
    expectClose(root, [0.5, 0, 0, 0, 1, 0, 0, 0, 1 / 3], tolerance.float32);
  });

  test('a zero matrix has the root of epsilon, in each of the ways to add it', () => {
    for (const before of [true, false]) {
      const { root } = rootOf(engine, [0, 0, 0, 0], {
        exponent: 0.5,
        epsilon: 1e-4,
        rankDeficiency: { type: 'perturbation', before },
      });
      expectClose(root, [100, 0, 0, 100], tolerance.iterated32);
    }
  });

  test('a pseudo-inverse leaves out what is below its cut-off', () => {
    const rankDeficiency = { type: 'pseudo-inverse', relativeTolerance: 1e-3, absoluteTolerance: 0 } as const;
    const { root } = rootOf(engine, [4, 0, 0, 0, 1e-6, 0, 0, 0, 1], { exponent: 0.5, epsilon: 0, rankDeficiency });
    expectClose(root, [0.5, 0, 0, 0, 0, 0, 0, 0, 1], tolerance.float32);
  });

  test('the root is exactly symmetric', () => {
    const n = 33;
    const { root } = rootOf(engine, positiveDefinite(n, 1e4, 8), { exponent: 0.25, precision: 'float32' });
    for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) expect(root[i * n + j]).toBe(root[j * n + i]);
  });
});
