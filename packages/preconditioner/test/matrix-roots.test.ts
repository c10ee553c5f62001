import { beforeAll, describe, expect, test } from 'vitest';
import {
  coupledHigherOrder,
  coupledNewton,
  coupledScratch,
  inverseRoot,
  inverseRootScratch,
  type Rational,
} from '../src/index.ts';
import {
  at,
  distance,
  identity,
  type Matrix,
  multiply,
  orthogonal,
  positiveDefinite,
  transposed,
  withSpectrum,
} from './matrices.ts';
import { engineSizes, onEngine, startEngines } from './on-engine.ts';

beforeAll(startEngines);

interface Asked {
  readonly exponent: Rational;
  readonly epsilon?: number;
}

const methods = ['eigen', 'coupled-newton', 'coupled-higher-order'] as const;

/** A^(-exponent) by a method on an engine. */
function rootOf(engineName: string, method: (typeof methods)[number], a: ArrayLike<number>, { exponent, epsilon = 0 }: Asked) {
  const n = Math.sqrt(a.length);
  const { root, status, rounding } = onEngine(engineName, {
    lay: (engine, frame) => ({
      a: engine.allocate([1, n, n]),
      root: engine.allocate([1, n, n]),
      status: engine.allocate([1, 1]),
      eigen: inverseRootScratch(frame, [1, n], 'float64'),
      coupled: coupledScratch(frame, [1, n]),
    }),
    inputs: (slots) => [[slots.a, a]],
    outputs: ({ root: result, status: flag }) => ({ root: result, status: flag }),
    run(engine, { a: matrix, root: result, status: flag, eigen, coupled }) {
      const scratch = method === 'eigen' ? eigen : coupled;
      engine.scaleFactor(scratch.matrix, matrix, { scale: 1, traceExponent: 0, traceFloor: 0 });
      if (method === 'eigen') {
        const power = exponent.numerator / exponent.denominator;
        const rankDeficiency = { type: 'perturbation', before: true } as const;
        inverseRoot(
          engine,
          { root: result, status: flag, scratch: eigen },
          { exponent: power, epsilon, rankDeficiency, precision: 'float64' },
        );
      } else if (method === 'coupled-newton') {
        coupledNewton(
          engine,
          { root: result, status: flag, scratch: coupled },
          { exponent, epsilon, maxIterations: 200, tolerance: 0, trusting: false },
        );
      } else {
        const how = { relativeEpsilon: 0, absoluteEpsilon: epsilon, maxIterations: 200, tolerance: 0, order: 3 };
        coupledHigherOrder(engine, { root: result, status: flag, scratch: coupled }, { exponent, ...how });
      }
    },
  });
  return { root, failed: at(status, 0) !== 0, rounding };
}

function power(a: ArrayLike<number>, exponent: number, n: number): Matrix {
  let product = identity(n);
  for (let i = 0; i < exponent; i++) product = multiply(product, a, n);
  return product;
}

/** What rounding may do to a root: some ten rounds of some ten roundings each, amplified by the condition number, and products that add up. */
const bound = (rounding: number, condition: number, n: number) => 100 * rounding * condition * Math.sqrt(n);

const quarter = { numerator: 1, denominator: 4 };

describe.each(engineSizes)('on $engine', ({ engine, largest }) => {
  describe.each(methods)('%s', (method) => {
    test.each([1, 2, 3, 17, 64, 300].filter((n) => n <= largest))('X^p A^q = I, order %i', (n) => {
      const condition = 100;
      const a = positiveDefinite(n, condition, n);
      const exponents =
        n > 64
          ? [quarter]
          : [
              { numerator: 1, denominator: 2 },
              quarter,
              { numerator: 1, denominator: 6 },
              { numerator: 3, denominator: 10 },
              { numerator: 1, denominator: 1 },
            ];
      for (const exponent of exponents) {
        const { root, failed, rounding } = rootOf(engine, method, a, { exponent });
        expect(failed).toBe(false);
        const product = multiply(power(root, exponent.denominator, n), power(a, exponent.numerator, n), n);
        expect(distance(product, identity(n))).toBeLessThan(bound(rounding, condition ** exponent.numerator, n));
      }
    });

    test('the root of c A is c^(-exponent) times the root of A', () => {
      const a = positiveDefinite(20, 100, 4);
      for (const c of [2 ** -40, 16, 2 ** 40]) {
        const scaled = rootOf(
          engine,
          method,
          a.map((x) => c * x),
          { exponent: quarter },
        );
        const { root, rounding } = rootOf(engine, method, a, { exponent: quarter });
        expect(scaled.failed).toBe(false);
        expect(
          distance(
            scaled.root.map((x) => x * c ** 0.25),
            root,
          ),
        ).toBeLessThan(bound(rounding, 100, 20));
      }
    });

    test('a change of basis goes through: the root of Q A Q^T is Q root Q^T', () => {
      const n = 12;
      const a = positiveDefinite(n, 100, 5);
      const q = orthogonal(n, 6);
      const turned = multiply(multiply(q, a, n), transposed(q, n), n);
      const { root, rounding } = rootOf(engine, method, a, { exponent: quarter });
      const back = multiply(multiply(q, root, n), transposed(q, n), n);
      expect(distance(rootOf(engine, method, turned, { exponent: quarter }).root, back)).toBeLessThan(bound(rounding, 100, n));
    });

    test('a diagonal matrix gives the powers of its diagonal', () => {
      const { root, rounding } = rootOf(engine, method, [16, 0, 0, 0, 1, 0, 0, 0, 81], { exponent: quarter });
      expect(distance(root, [0.5, 0, 0, 0, 1, 0, 0, 0, 1 / 3])).toBeLessThan(bound(rounding, 81, 3));
    });

    test('identity, repeated eigenvalues, and one number', () => {
      for (const [l, seed] of [
        [new Array<number>(8).fill(1), 1],
        [[2, 2, 2, 0.5, 0.5, 0.5, 0.5], 2],
        [[7], 3],
      ] as const) {
        const { root, failed, rounding } = rootOf(engine, method, withSpectrum(l, seed), { exponent: quarter });
        expect(failed).toBe(false);
        const expected = withSpectrum(
          l.map((x) => x ** -0.25),
          seed,
        );
        expect(distance(root, expected)).toBeLessThan(bound(rounding, 4, l.length));
      }
    });

    test('a matrix of zeros has the root of epsilon', () => {
      const { root, failed, rounding } = rootOf(engine, method, new Float64Array(16), { exponent: quarter, epsilon: 1e-4 });
      expect(failed).toBe(false);
      expect(
        distance(
          root,
          identity(4).map((x) => 10 * x),
        ),
      ).toBeLessThan(10 * bound(rounding, 1, 4));
    });

    test('half of the rank, filled up by epsilon', () => {
      const n = 10;
      const l = Array.from({ length: n }, (_, i) => (i < n / 2 ? 0 : 1 + i));
      const { root, failed, rounding } = rootOf(engine, method, withSpectrum(l, 7), { exponent: quarter, epsilon: 0.01 });
      expect(failed).toBe(false);
      const expected = withSpectrum(
        l.map((x) => (x + 0.01) ** -0.25),
        7,
      );
      expect(distance(root, expected)).toBeLessThan(bound(rounding, 1000, n));
    });

    test.each([1e2, 1e4, 1e6, 1e8, 1e10])('condition %d: the root, or a failure that is told', (condition) => {
      const n = 24;
      const a = positiveDefinite(n, condition, 11);
      const { root, failed, rounding } = rootOf(engine, method, a, { exponent: quarter });
      const exact = withSpectrum(
        Array.from({ length: n }, (_, i) => (condition ** -(i / (n - 1))) ** -0.25),
        11,
      );
      const relative = distance(root, exact) / condition ** 0.25;
      // Below rounding an eigenvalue is whatever rounding left of it: then nothing but a finite root, or a failure, can be asked for.
      if (condition * rounding * n < 0.1) {
        expect(failed).toBe(false);
        expect(relative).toBeLessThan(bound(rounding, condition, n));
      } else if (!failed && method !== 'eigen') {
        expect(root.every(Number.isFinite)).toBe(true);
      }
    });

    test('denormal entries: the root, or a failure that is told', () => {
      const tiny = 2 ** -140;
      const { root, failed, rounding } = rootOf(engine, method, [tiny, 0, 0, tiny], { exponent: quarter });
      if (!failed && root.every(Number.isFinite))
        expect(distance(root, [2 ** 35, 0, 0, 2 ** 35])).toBeLessThan(2 ** 35 * bound(rounding, 1, 2));
    });

    test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('%d in the matrix is a failure', (bad) => {
      const a = positiveDefinite(9, 10, 12);
      a[40] = bad;
      expect(rootOf(engine, method, a, { exponent: quarter, epsilon: 1e-3 }).failed).toBe(true);
    });
  });
});
