import { beforeAll, describe, expect, test } from 'vitest';
import {
  createPreconditioner,
  newtonSchulz,
  newtonSchulzScratch,
  type PreconditionerInput,
  preconditionerOptions,
} from '../src/index.ts';
import { at, distance, identity, orthogonal } from './matrices.ts';
import { engineSizes, onEngine, startEngines } from './on-engine.ts';

beforeAll(startEngines);

/** Rows first. */
interface Rectangle {
  readonly m: number;
  readonly n: number;
  readonly entries: ArrayLike<number>;
}

const standard = { iterations: 5, coefficients: [3.4445, -4.775, 2.0315] as const };

/** Newton-Schulz of one matrix on an engine. */
function orthogonalised(
  engineName: string,
  { m, n, entries }: Rectangle,
  options: Parameters<typeof newtonSchulz>[2] = standard,
) {
  return onEngine(engineName, {
    lay: (engine, frame) => ({ x: engine.allocate([1, m, n]), scratch: newtonSchulzScratch(frame, [1, m, n]) }),
    inputs: ({ x }) => [[x, entries]],
    outputs: ({ x }) => ({ x }),
    run: (engine, slots) => newtonSchulz(engine, slots, options),
  });
}

/** Spectral descent's direction, and the norm that it lends as grafting. */
function descent(
  engineName: string,
  { m, n, entries }: Rectangle,
  options: Omit<PreconditionerInput, 'type'> & object,
  outputs: 'rows' | 'columns' = 'rows',
) {
  const parsed = preconditionerOptions.parse({ ...options, type: 'spectral-descent' });
  const shape = [1, m, n];
  return onEngine(engineName, {
    lay(engine, frame) {
      const method = createPreconditioner(engine, parsed, {
        epsilon: 1,
        beta2: 1,
        useBiasCorrection: false,
        outputs,
        compatibility: 'default',
      });
      return { method, state: method.initial(shape, frame), x: engine.allocate(shape), direction: engine.allocate(shape) };
    },
    inputs: ({ x }) => [[x, entries]],
    outputs: ({ direction }) => ({ direction }),
    run: (_, { method, state, x, direction }) => method.apply(state, direction, x, 1),
  });
}

/** `U diag(s) V^T`: the first rows of two orthogonal matrices are its singular vectors. */
function withSingularValues(s: readonly number[], { m, n }: { readonly m: number; readonly n: number }): Rectangle {
  const [u, v] = [orthogonal(m, 3), orthogonal(n, 4)];
  const entries = Float64Array.from({ length: m * n }, (_, i) => {
    const [row, column] = [Math.floor(i / n), i % n];
    return s.reduce((sum, value, k) => sum + at(u, k * m + row) * value * at(v, k * n + column), 0);
  });
  return { m, n, entries };
}

/** `u_i X v_j` for the singular vectors that `withSingularValues` takes. */
function inSingularVectors({ m, n, entries }: Rectangle): number[] {
  const [u, v] = [orthogonal(m, 3), orthogonal(n, 4)];
  const k = Math.min(m, n);
  return Array.from({ length: k * k }, (_, i) => {
    const [a, b] = [Math.floor(i / k), i % k];
    let sum = 0;
    for (let row = 0; row < m; row++)
      for (let column = 0; column < n; column++)
        sum += at(u, a * m + row) * at(entries, row * n + column) * at(v, b * n + column);
    return sum;
  });
}

const transpose = ({ m, n, entries }: Rectangle): Rectangle => ({
  m: n,
  n: m,
  entries: Float64Array.from({ length: m * n }, (_, i) => at(entries, (i % m) * n + Math.floor(i / m))),
});

/** What a round of the polynomial makes of a number. */
const polynomial = (x: number, [a, b, c]: readonly [number, number, number]) => a * x + b * x ** 3 + c * x ** 5;

const diagonalOf = (a: readonly number[], k: number) => Array.from({ length: k }, (_, i) => at(a, i * (k + 1)));

/** Rounding of a few products; coefficients of up to 5, five rounds. */
const bound = (rounding: number, k: number) => 200 * rounding * Math.sqrt(k);

const sizes = [
  { m: 1, n: 1 },
  { m: 1, n: 7 },
  { m: 7, n: 1 },
  { m: 4, n: 4 },
  { m: 5, n: 12 },
  { m: 12, n: 5 },
  { m: 30, n: 30 },
] as const;

/** Singular values from 1 down to the hundredth part of their norm. */
const spread = (k: number) => Array.from({ length: k }, (_, i) => (k === 1 ? 1 : 0.02 ** (i / (k - 1))));

describe.each(engineSizes)('on $engine', ({ engine, largest }) => {
  describe('newton-schulz', () => {
    test.each(sizes)('$m x $n: singular vectors stay, values become what the polynomial makes of them', (size) => {
      const k = Math.min(size.m, size.n);
      const s = spread(k);
      const { x, rounding } = orthogonalised(engine, withSingularValues(s, size));
      const seen = inSingularVectors({ ...size, entries: x });
      const norm = Math.hypot(...s);
      const expected = identity(k).map((one, i) => {
        let value = one === 0 ? 0 : at(s, Math.floor(i / k)) / norm;
        for (let round = 0; round < standard.iterations; round++) value = polynomial(value, standard.coefficients);
        return value;
      });
      expect(distance(seen, expected)).toBeLessThan(bound(rounding, k));
    });

    test.each([
      [0.01, 0.6818, 1.1344],
      [0.001, 0.4705, 1.2024],
    ])('singular values of at least %d of the norm end in [%d, %d]', (least, low, high) => {
      // The two values of a 2 x 2 matrix, over all shares of its norm. The ranges are the polynomial's own, by a search in float64.
      for (let step = 0; step <= 60; step++) {
        const share = least * (Math.SQRT1_2 / least) ** (step / 60);
        const s = [Math.sqrt(1 - share ** 2), share];
        const { x } = orthogonalised(engine, withSingularValues(s, { m: 2, n: 2 }));
        for (const value of diagonalOf(inSingularVectors({ m: 2, n: 2, entries: x }), 2)) {
          expect(value).toBeGreaterThan(low);
          expect(value).toBeLessThan(high);
        }
      }
    });

    test('coefficients that converge come to U V^T', () => {
      const size = { m: 6, n: 9 };
      const cubic = { iterations: 40, coefficients: [1.5, -0.5, 0] as const };
      const { x, rounding } = orthogonalised(engine, withSingularValues(spread(6), size), cubic);
      expect(distance(inSingularVectors({ ...size, entries: x }), identity(6))).toBeLessThan(bound(rounding, 6));
    });

    test('without rounds the matrix is divided by its norm', () => {
      const { x } = orthogonalised(engine, { m: 1, n: 2, entries: [3, 4] }, { ...standard, iterations: 0 });
      expect(distance(x, [0.6, 0.8])).toBeLessThan(1e-6);
    });

    test('below a norm of 1e-8 it is divided by that', () => {
      const { x } = orthogonalised(engine, { m: 1, n: 2, entries: [3e-10, 4e-10] }, { ...standard, iterations: 0 });
      expect(distance(x, [0.03, 0.04])).toBeLessThan(1e-7);
    });
  });

  describe.each([
    ['newton-schulz', { method: 'newton-schulz' }],
    ['svd', { method: 'svd' }],
  ] as const)('spectral descent by %s', (method, options) => {
    test.each(sizes)('$m x $n: the transposed matrix gives the transposed direction', (size) => {
      const matrix = withSingularValues(spread(Math.min(size.m, size.n)), size);
      const { direction, rounding } = descent(engine, matrix, options);
      const other = descent(engine, transpose(matrix), options).direction;
      const back = transpose({ m: size.n, n: size.m, entries: other });
      expect(distance(direction, back.entries)).toBeLessThan(bound(rounding, Math.min(size.m, size.n)));
    });

    test.each([2 ** -20, 1e-3, 1e6, 2 ** 50])('c = %d times the matrix gives the same direction', (c) => {
      const matrix = withSingularValues(spread(5), { m: 5, n: 8 });
      const { direction, rounding } = descent(engine, matrix, options);
      const scaled = descent(engine, { ...matrix, entries: Array.from(matrix.entries, (x) => c * x) }, options);
      expect(distance(scaled.direction, direction)).toBeLessThan(bound(rounding, 5));
    });

    test('a number, and the root of outputs over inputs, multiply the direction', () => {
      const matrix = withSingularValues(spread(3), { m: 3, n: 12 });
      const { direction, rounding } = descent(engine, matrix, options);
      for (const [scaleByDims, factor] of [
        [-2.5, -2.5],
        [0, 0],
        ['sqrt-outputs-over-inputs', 0.5],
      ] as const) {
        const scaled = descent(engine, matrix, { ...options, scaleByDims });
        expect(
          distance(
            scaled.direction,
            direction.map((x) => factor * x),
          ),
        ).toBeLessThan(4 * rounding);
      }
      // TensorFlow.js's kernels have their outputs in columns.
      const turned = descent(engine, matrix, { ...options, scaleByDims: 'sqrt-outputs-over-inputs' }, 'columns');
      expect(
        distance(
          turned.direction,
          direction.map((x) => 2 * x),
        ),
      ).toBeLessThan(4 * rounding);
    });

    test('a matrix of zeros gives nothing that is not finite', () => {
      const { direction } = descent(engine, { m: 3, n: 4, entries: new Float64Array(12) }, options);
      if (method === 'newton-schulz') expect(direction.every((x) => x === 0)).toBe(true);
      else expect(direction.every((x) => Number.isFinite(x) && Math.abs(x) < 1.01)).toBe(true);
    });
  });

  describe('spectral descent by svd', () => {
    test.each([...sizes, ...(largest > 100 ? [{ m: 100, n: 130 }] : [])])('$m x $n: U V^T', (size) => {
      const k = Math.min(size.m, size.n);
      const { direction, rounding } = descent(engine, withSingularValues(spread(k), size), { method: 'svd' });
      expect(distance(inSingularVectors({ ...size, entries: direction }), identity(k))).toBeLessThan(bound(rounding, k) * 50);
    });

    test('times the sum of singular values, and by dimensions', () => {
      const s = [4, 2, 1];
      const matrix = withSingularValues(s, { m: 3, n: 12 });
      const plain = descent(engine, matrix, { method: 'svd' });
      const scaled = descent(engine, matrix, {
        method: 'svd',
        scaleByNuclearNorm: true,
        scaleByDims: 'sqrt-outputs-over-inputs',
      });
      expect(
        distance(
          scaled.direction,
          plain.direction.map((x) => 3.5 * x),
        ),
      ).toBeLessThan(7 * bound(plain.rounding, 3));
    });
  });
});
