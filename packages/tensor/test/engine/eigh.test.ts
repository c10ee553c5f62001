import { expectClose, seededRandom, tolerance } from '@distributed-shampoo/testing';
import { setBackend } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Precision } from '../../src/engine/matrix-engine.ts';
import { engines } from './engines.ts';

/** Decomposes a stack of matrices and returns what the engine holds. */
function decompose(
  engineNumber: number,
  matrices: readonly Float64Array[],
  { precision = 'float32' as Precision, diagonal = 0 } = {},
) {
  const engine = (engines[engineNumber] as (typeof engines)[number]).create(1);
  const n = Math.sqrt((matrices[0] as Float64Array).length);
  const stack = matrices.length;
  const values = engine.allocate([stack, n]);
  const vectors = engine.allocate([stack, n, n]);
  const status = engine.allocate([stack, 1]);
  engine.frame().reserve({ operation: 'eigh', n, precision });
  const pages = Math.ceil(engine.arenaBytes / 65536) + 1;
  engine.open({
    memory: new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }),
    arenaOffset: 0,
    flatOffsets: { gradients: 0, directions: 0, weights: 0 },
  });
  for (const [member, matrix] of matrices.entries()) engine.values(vectors).set(matrix, member * n * n);
  engine.eigh(values, vectors, status, { diagonal, precision });
  const parts = {
    values: Array.from(engine.values(values)),
    vectors: Array.from(engine.values(vectors)),
    status: Array.from(engine.values(status)),
  };
  engine.dispose();
  return { n, ...parts };
}

/** B B^T of an n x rank matrix: positive semi-definite. */
function gram(n: number, rank: number, seed: number): Float64Array {
  const b = seededRandom(seed).normals(n * rank);
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let k = 0; k < rank; k++) sum += (b[i * rank + k] as number) * (b[j * rank + k] as number);
      a[i * n + j] = Math.fround(sum / rank);
    }
  }
  return a;
}

const largest = (numbers: ArrayLike<number>) => Array.from(numbers).reduce((most, x) => Math.max(most, Math.abs(x)), 0);

describe.each(engines.map(({ name, backend = 'tensorflow' }, index) => ({ name, backend, index })))(
  'eigh on $name',
  ({ name, backend, index }) => {
    beforeAll(async () => {
      await setBackend(backend);
    });
    const unit = name === 'reference' ? 1e-14 : 1e-6;

    test.each([1, 2, 3, 4, 7, 16, 33, 64, 100, 300])('V^T diag(l) V = A, V V^T = I, ascending, order %i', (n) => {
      const matrices = [gram(n, n, 1), gram(n, Math.max(1, n >> 2), 2)];
      const { values, vectors, status } = decompose(index, matrices);
      expect(status).toEqual([0, 0]);
      for (const [member, a] of matrices.entries()) {
        const l = values.slice(member * n, (member + 1) * n);
        const v = vectors.slice(member * n * n, (member + 1) * n * n);
        expect(l).toEqual([...l].sort((x, y) => x - y));
        const rebuilt = new Float64Array(n * n);
        const gramOfRows = new Float64Array(n * n);
        for (let i = 0; i < n; i++) {
          for (let j = 0; j < n; j++) {
            for (let k = 0; k < n; k++) {
              rebuilt[i * n + j] =
                (rebuilt[i * n + j] as number) + (v[k * n + i] as number) * (l[k] as number) * (v[k * n + j] as number);
              gramOfRows[i * n + j] = (gramOfRows[i * n + j] as number) + (v[i * n + k] as number) * (v[j * n + k] as number);
            }
          }
        }
        const rounding = (size: number) => ({ name: 'backward error', absolute: unit * Math.sqrt(n) * 4 * size, relative: 0 });
        expectClose(rebuilt, a, rounding(largest(a)), 'V^T diag(l) V');
        expectClose(
          gramOfRows,
          Float64Array.from({ length: n * n }, (_, at) => (at % (n + 1) === 0 ? 1 : 0)),
          rounding(1),
          'V V^T',
        );
      }
    });

    test('a scaled matrix has scaled eigenvalues', () => {
      const a = gram(20, 20, 3);
      const one = decompose(index, [a]);
      const four = decompose(index, [a.map((x) => 4 * x)]);
      expectClose(
        four.values,
        one.values.map((l) => 4 * l),
        tolerance.exact,
      );
    });

    test('diagonal input gives its sorted diagonal; identity and zero have repeated eigenvalues', () => {
      const diagonal = (numbers: readonly number[]) => {
        const a = new Float64Array(numbers.length ** 2);
        for (const [i, x] of numbers.entries()) a[i * (numbers.length + 1)] = x;
        return a;
      };
      expect(decompose(index, [diagonal([3, -1, 0, 2])]).values).toEqual([-1, 0, 2, 3]);
      expect(decompose(index, [diagonal([1, 1, 1])]).values).toEqual([1, 1, 1]);
      expect(decompose(index, [diagonal([0, 0, 0])]).values).toEqual([0, 0, 0]);
    });

    test.each([Number.NaN, Number.POSITIVE_INFINITY])('%d gives a status, and leaves the other members alone', (value) => {
      const bad = gram(5, 5, 4);
      bad[5] = value;
      const { status, values } = decompose(index, [gram(5, 5, 1), bad]);
      expect(status[0]).toBe(0);
      expect(status[1]).not.toBe(0);
      expect(values.slice(0, 5).every(Number.isFinite)).toBe(true);
    });

    test('the diagonal is added before the decomposition; in float64 it is not absorbed', () => {
      const a = Float64Array.from([1, 1, 1, 1]);
      const { values } = decompose(index, [a], { precision: 'float64', diagonal: 1e-10 });
      expectClose(values, [1e-10, 2 + 1e-10], { name: 'float64 rounding of 2', absolute: 1e-15, relative: 1e-6 });
    });
  },
);
