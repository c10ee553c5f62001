import { beforeAll, describe, expect, test } from 'vitest';
import { type EigenbasisOptions, eigenbasis, eigenbasisScratch } from '../src/index.ts';
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
import { engineSizes, onEngine, startEngines, withEngine } from './on-engine.ts';

beforeAll(startEngines);

const eigh = { method: 'eigh', precision: 'float64' } as const;
const oneRound = { method: 'qr', maxIterations: 1, largestFirst: true } as const;
const manyRounds = { method: 'qr', maxIterations: 180, largestFirst: true } as const;

interface Asked {
  readonly how?: typeof eigh | { readonly method: 'qr'; readonly maxIterations: number; readonly largestFirst: boolean };
  readonly shift?: number;
  readonly tolerance?: number;
  readonly cancelling?: boolean;
  /** The identity where absent. */
  readonly previous?: ArrayLike<number>;
}

/** The basis of a matrix from another, on an engine. */
function basisOf(engineName: string, a: ArrayLike<number>, asked: Asked = {}) {
  const { how = eigh, shift = 0, tolerance = 0, cancelling = false } = asked;
  const n = Math.sqrt(a.length);
  const { previous = identity(n) } = asked;
  const { vectors, values, status, rounding } = onEngine(engineName, {
    lay: (engine, frame) => ({
      a: engine.allocate([1, n, n]),
      previous: engine.allocate([1, n, n]),
      vectors: engine.allocate([1, n, n]),
      values: engine.allocate([1, n]),
      status: engine.allocate([1, 1]),
      scratch: eigenbasisScratch(frame, [1, n], how),
    }),
    inputs: (slots) => [
      [slots.a, lowerTriangle(a, n)],
      [slots.previous, previous],
    ],
    outputs: (slots) => ({ vectors: slots.vectors, values: slots.values, status: slots.status }),
    run(engine, slots) {
      engine.scaleFactor(slots.scratch.matrix, slots.a, { scale: 1, traceExponent: 0, traceFloor: 0 });
      eigenbasis(engine, slots, { ...how, shift, tolerance, cancelling });
    },
  });
  return { vectors, values, failed: at(status, 0) !== 0, rounding };
}

/** What is above the diagonal must not matter. */
const lowerTriangle = (a: ArrayLike<number>, n: number): Matrix =>
  Float64Array.from(a, (x, i) => (i % n <= Math.floor(i / n) ? x : 12345));

/** `V A V^T`. */
const turn = (v: ArrayLike<number>, a: ArrayLike<number>, n: number): Matrix => multiply(multiply(v, a, n), transposed(v, n), n);

const diagonalOf = (a: ArrayLike<number>, n: number) => Array.from({ length: n }, (_, i) => at(a, i * (n + 1)));

/** The largest magnitude beside the diagonal. */
const beside = (a: ArrayLike<number>, n: number) =>
  distance(
    Array.from(a, (x, i) => (i % (n + 1) === 0 ? 0 : x)),
    new Float64Array(n * n),
  );

const ascending = (l: readonly number[]) => l.every((x, i) => i === 0 || x >= at(l, i - 1));

/** Rows orthonormal: what is to be asked of any basis, of any matrix. */
const orthogonality = (v: ArrayLike<number>, n: number) => distance(multiply(v, transposed(v, n), n), identity(n));

/** What rounding may do: of an orthogonal factor, and of the largest eigenvalue, some tens of times over in sums of n terms. */
const bound = (rounding: number, n: number) => 20 * rounding * Math.sqrt(n);

const longest = (l: readonly number[]) => Math.max(...l.map(Math.abs));

/** Matrices to decompose, with their eigenvalues ascending. */
const matrices: Readonly<Record<string, readonly number[]>> = {
  'one number': [7],
  'two numbers': [1, 3],
  identity: new Array<number>(9).fill(1),
  zero: new Array<number>(6).fill(0),
  'half the rank': [0, 0, 0, 0, 0, 1, 2, 3, 4, 5],
  'rank one': [0, 0, 0, 0, 0, 0, 0, 2],
  'repeated eigenvalues': [0.5, 0.5, 0.5, 0.5, 2, 2, 2],
  'huge numbers': [2 ** 60, 2 ** 61, 2 ** 62],
  'tiny numbers': [2 ** -60, 2 ** -59, 2 ** -58],
};

describe.each(engineSizes)('on $engine', ({ engine, largest }) => {
  describe.each([
    ['eigh', eigh],
    ['qr', oneRound],
    ['qr, many rounds', manyRounds],
  ] as const)('%s', (name, how) => {
    test.each(Object.entries(matrices))('%s: an orthonormal basis, values its Rayleigh quotients, ascending', (_, spectrum) => {
      const n = spectrum.length;
      const a = withSpectrum(spectrum, n);
      const { vectors, values, failed, rounding } = basisOf(engine, a, { how });
      expect(failed).toBe(false);
      expect(orthogonality(vectors, n)).toBeLessThan(bound(rounding, n));
      const turned = turn(vectors, a, n);
      const near = bound(rounding, n) * longest(spectrum) + Number.MIN_VALUE;
      expect(distance(values, diagonalOf(turned, n))).toBeLessThan(near);
      expect(ascending(values)).toBe(true);
      if (how === oneRound) return;
      expect(distance(values, spectrum)).toBeLessThan(near);
      expect(beside(turned, n)).toBeLessThan(near);
    });

    test.each([1, 2, 3, 17, 64, 128, 300].filter((n) => n <= largest && (n <= 64 || how !== manyRounds)))('order %i', (n) => {
      const a = positiveDefinite(n, 100, n);
      const { vectors, values, failed, rounding } = basisOf(engine, a, { how });
      expect(failed).toBe(false);
      expect(orthogonality(vectors, n)).toBeLessThan(bound(rounding, n));
      const turned = turn(vectors, a, n);
      expect(distance(values, diagonalOf(turned, n))).toBeLessThan(bound(rounding, n));
      expect(ascending(values)).toBe(true);
      if (how === eigh) expect(beside(turned, n)).toBeLessThan(bound(rounding, n));
    });

    test.each([1e2, 1e4, 1e6, 1e8, 1e10])('condition %d', (condition) => {
      const n = 24;
      const a = positiveDefinite(n, condition, 11);
      const { vectors, values, failed, rounding } = basisOf(engine, a, { how });
      expect(failed).toBe(false);
      expect(orthogonality(vectors, n)).toBeLessThan(bound(rounding, n));
      expect(distance(values, diagonalOf(turn(vectors, a, n), n))).toBeLessThan(bound(rounding, n));
      if (how === eigh) expect(beside(turn(vectors, a, n), n)).toBeLessThan(bound(rounding, n));
    });

    test('a change of basis goes through: the eigenvectors of Q A Q^T are those of A, turned', () => {
      const n = 9;
      const a = positiveDefinite(n, 100, 5);
      const q = orthogonal(n, 6);
      const plain = basisOf(engine, a, { how });
      const turned = basisOf(engine, turn(q, a, n), { how, previous: transposed(q, n) });
      expect(distance(turned.values, plain.values)).toBeLessThan(bound(plain.rounding, n));
      // Up to signs: |cos| of the angles between them, where eigenvalues are apart.
      const cosines = multiply(multiply(turned.vectors, q, n), transposed(plain.vectors, n), n);
      expect(distance(cosines.map(Math.abs), identity(n))).toBeLessThan(100 * bound(plain.rounding, n));
    });

    test('c A has the basis of A and c times its values', () => {
      const n = 9;
      const a = positiveDefinite(n, 100, 5);
      const plain = basisOf(engine, a, { how });
      for (const c of [2 ** -40, 16, 2 ** 40]) {
        const scaled = basisOf(
          engine,
          a.map((x) => c * x),
          { how },
        );
        expect(
          distance(
            scaled.values.map((x) => x / c),
            plain.values,
          ),
        ).toBeLessThan(bound(plain.rounding, n));
        const cosines = multiply(scaled.vectors, transposed(plain.vectors, n), n);
        expect(distance(cosines.map(Math.abs), identity(n))).toBeLessThan(100 * bound(plain.rounding, n));
      }
    });

    test('the axes of a diagonal matrix are sorted by it', () => {
      const { vectors, values, rounding } = basisOf(engine, [3, 0, 0, 0, 1, 0, 0, 0, 2], { how });
      expect(distance(values, [1, 2, 3])).toBeLessThan(bound(rounding, 3));
      expect(distance(vectors.map(Math.abs), [0, 1, 0, 0, 0, 1, 1, 0, 0])).toBeLessThan(bound(rounding, 3));
    });

    test('the shift is added to the values, and to nothing else', () => {
      const spectrum = [0, 0.25, 1, 4];
      const { values, vectors, rounding } = basisOf(engine, withSpectrum(spectrum, 3), {
        how: how === oneRound ? manyRounds : how,
        shift: 0.5,
      });
      expect(
        distance(
          values,
          spectrum.map((x) => x + 0.5),
        ),
      ).toBeLessThan(4 * bound(rounding, 4));
      expect(beside(turn(vectors, withSpectrum(spectrum, 3), 4), 4)).toBeLessThan(4 * bound(rounding, 4));
    });

    test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
      '%d in the matrix is a failure, with a tolerance and without',
      (bad) => {
        for (const tolerance of [0, 0.1]) {
          const a = positiveDefinite(9, 10, 12);
          for (const place of [0, 36, 40]) {
            const spoilt = a.map((x, i) => (i === place ? bad : x));
            const rounds = how.method === 'qr' ? [0, 2].map((maxIterations) => ({ ...how, maxIterations })) : [how];
            for (const few of rounds)
              expect(basisOf(engine, spoilt, { how: few, tolerance }).failed, `${name}, place ${place}`).toBe(true);
          }
        }
      },
    );
  });

  describe.each([
    ['eigh', eigh],
    ['qr', manyRounds],
  ] as const)('a tolerance, %s', (_, how) => {
    /** Eigenvalues in the order of the basis, not sorted; the share beside the diagonal is `share`. */
    const nearlyDiagonal = (share: number) => {
      const beyond = (share * Math.sqrt(14 / (1 - share * share))) / Math.SQRT2;
      return [3, beyond, 0, beyond, 1, 0, 0, 0, 2];
    };

    test.each([1e-3, 0.01, 0.1, 0.5])('of %d: a basis that is as good stays, a worse one does not', (tolerance) => {
      const n = 3;
      const previous = orthogonal(n, 4);
      const within = turn(transposed(previous, n), nearlyDiagonal(0.98 * tolerance), n);
      const kept = basisOf(engine, within, { how, tolerance, previous });
      expect(kept.failed).toBe(false);
      // QR sorts what it keeps; eigh leaves the order too.
      const order = how === eigh ? [0, 1, 2] : [1, 2, 0];
      const rows = order.flatMap((row) => Array.from(previous.subarray(row * n, (row + 1) * n)));
      expect(distance(kept.vectors, rows)).toBeLessThan(2 * kept.rounding);
      expect(
        distance(
          kept.values,
          order.map((row) => at([3, 1, 2], row)),
        ),
      ).toBeLessThan(4 * bound(kept.rounding, n));

      const beyond = turn(transposed(previous, n), nearlyDiagonal(1.02 * tolerance), n);
      const moved = basisOf(engine, beyond, { how, tolerance, previous });
      expect(moved.failed).toBe(false);
      expect(orthogonality(moved.vectors, n)).toBeLessThan(bound(moved.rounding, n));
      expect(ascending(moved.values)).toBe(true);
      const turned = turn(moved.vectors, beyond, n);
      const share = (Math.SQRT2 * beside(turned, n)) / Math.hypot(...turned);
      expect(share).toBeLessThan(how === eigh ? bound(moved.rounding, n) : tolerance);
    });

    test.each([2 ** -90, 2 ** -60, 2 ** 60, 2 ** 90])('the share is that of %d times the matrix', (c) => {
      const tolerance = 0.1;
      const scaled = (share: number) => nearlyDiagonal(share).map((x) => c * x);
      const kept = basisOf(engine, scaled(0.05), { how, tolerance });
      expect(kept.vectors).toEqual(Array.from(how === eigh ? identity(3) : [0, 1, 0, 0, 0, 1, 1, 0, 0]));
      const { vectors, failed, rounding } = basisOf(engine, scaled(0.3), { how, tolerance });
      expect(failed).toBe(false);
      expect(vectors).not.toEqual(kept.vectors);
      expect(orthogonality(vectors, 3)).toBeLessThan(bound(rounding, 3));
    });

    test('a matrix of zeros keeps any basis', () => {
      const previous = orthogonal(5, 8);
      const { vectors, values, failed, rounding } = basisOf(engine, new Float64Array(25), { how, tolerance: 1e-3, previous });
      expect(failed).toBe(false);
      expect(distance(vectors, previous)).toBeLessThan(rounding);
      expect(values).toEqual(new Array(5).fill(0));
    });
  });

  test('qr without rounds sorts the old basis and measures it', () => {
    const { vectors, values, failed, rounding } = basisOf(engine, [3, 0.5, 0, 0.5, 1, 0, 0, 0, 2], {
      how: { ...oneRound, maxIterations: 0 },
    });
    expect(failed).toBe(false);
    expect(distance(values, [1, 2, 3])).toBeLessThan(bound(rounding, 3));
    expect(vectors).toEqual([0, 1, 0, 0, 0, 1, 1, 0, 0]);
  });

  test('qr, one round a refresh, comes to the eigenbasis of a matrix that stays', () => {
    const n = 8;
    const spectrum = Array.from({ length: n }, (_, i) => 2 ** (i - n + 1));
    const a = withSpectrum(spectrum, 21);
    const { vectors, values, rounding } = refreshes(engine, { matrices: [a], count: 60 });
    expect(distance(values, spectrum)).toBeLessThan(bound(rounding, n));
    expect(beside(turn(vectors, a, n), n)).toBeLessThan(bound(rounding, n));
  });

  test('qr stays orthogonal over 500 refreshes of matrices that change', () => {
    const n = 12;
    const changing = Array.from({ length: 5 }, (_, seed) => positiveDefinite(n, 10 ** (2 * seed), 30 + seed));
    const { vectors, rounding } = refreshes(engine, { matrices: changing, count: 500 });
    expect(orthogonality(vectors, n)).toBeLessThan(bound(rounding, n));
  });
});

/** A basis that follows matrices by QR, one round a refresh, each from the last. */
function refreshes(
  engineName: string,
  { matrices: seen, count }: { readonly matrices: readonly Matrix[]; readonly count: number },
) {
  const n = Math.sqrt((seen[0] as Matrix).length);
  const options: EigenbasisOptions = { ...oneRound, shift: 0, tolerance: 0, cancelling: false };
  return withEngine(
    engineName,
    (engine, frame) => ({
      factors: seen.map(() => engine.allocate([1, n, n])),
      bases: [engine.allocate([1, n, n]), engine.allocate([1, n, n])] as const,
      values: engine.allocate([1, n]),
      status: engine.allocate([1, 1]),
      scratch: eigenbasisScratch(frame, [1, n], oneRound),
    }),
    (engine, { factors, bases, values, status, scratch }) => {
      for (const [index, factor] of factors.entries()) engine.values(factor).set(Array.from(seen[index] as Matrix));
      engine.values(bases[0]).set(Array.from(identity(n)));
      for (let refresh = 0; refresh < count; refresh++) {
        const [previous, vectors] = refresh % 2 === 0 ? bases : [bases[1], bases[0]];
        const factor = factors[refresh % factors.length];
        engine.parallel([
          () => {
            if (factor !== undefined) engine.scaleFactor(scratch.matrix, factor, { scale: 1, traceExponent: 0, traceFloor: 0 });
            eigenbasis(engine, { previous, vectors, values, status, scratch }, options);
          },
        ]);
        expect(engine.values(status)[0]).toBe(0);
      }
      return {
        vectors: Array.from(engine.values(count % 2 === 0 ? bases[0] : bases[1])),
        values: Array.from(engine.values(values)),
        rounding: engine.machineEpsilon,
      };
    },
  );
}
