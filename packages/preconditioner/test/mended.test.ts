import { seededRandom } from '@distributed-shampoo/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import type { PreconditionerInput } from '../src/index.ts';
import { type Drive, drive } from './driven.ts';
import { at, distance, identity, multiply, positiveDefinite, transposed } from './matrices.ts';
import { engineSizes, startEngines } from './on-engine.ts';

// One description for each row of "Better than the reference" in the README that names this file.

beforeAll(startEngines);

const modes = ['default', 'reference'] as const;
const failed = { ok: false, reason: expect.any(String) as string };
const ok = { ok: true };

/** Two entries, one ten times the other, of which the second changes its sign. */
const alternating = (step: number) => [1, step % 2 === 1 ? 0.1 : -0.1];

const squares = (x: ArrayLike<number>) => Array.from(x).reduce((sum, value) => sum + value * value, 0);

const orthogonality = (v: ArrayLike<number>, n: number) => distance(multiply(v, transposed(v, n), n), identity(n));

describe.each(engineSizes)('on $engine', ({ engine }) => {
  describe("SOAP's second moments turn with the basis", () => {
    const soap: Drive = { engine, options: { type: 'eigenvalue-corrected' }, shape: [2], shared: { beta2: 0.9 } };

    test.each(modes)('the step at which axes change places, %s', (compatibility) => {
      drive({ ...soap, shared: { beta2: 0.9, compatibility } }, ({ step }) => {
        for (let t = 1; t <= 3; t++) step(alternating(t));
        const before = step(alternating(4)).direction;
        expect(at(before, 0)).toBeCloseTo(1, 4);
        expect(at(before, 1)).toBeCloseTo(-1, 4);
        const [large, small] = step(alternating(5), { refresh: true }).direction;
        if (compatibility === 'reference') {
          // Twice as far along one axis, an eighth along the other.
          expect(large).toBeCloseTo(1.99, 2);
          expect(small).toBeCloseTo(0.13, 2);
        } else {
          expect(Math.abs((large as number) - 1)).toBeLessThan(0.05);
          expect(Math.abs((small as number) - 1)).toBeLessThan(0.25);
        }
      });
    });

    test('axes that only change places take their moments along, exactly', () => {
      const sums = { ...soap, shared: { beta2: 1 } };
      const gradients = [
        [2, 0.5],
        [2, -0.5],
      ];
      const plain = drive(sums, ({ step }) => [...gradients, ...gradients].map((gradient) => step(gradient).direction));
      drive(sums, ({ step, slot }) => {
        for (const [index, gradient] of [...gradients, ...gradients].entries()) {
          const { direction } = step(gradient, { refresh: index % 2 === 1 });
          expect(distance(direction, plain[index] as number[])).toBeLessThan(1e-6);
        }
        expect(slot('vectors 0').map(Math.abs)).toEqual([0, 1, 1, 0]);
        expect(slot('second moment')).toEqual([1, 16]);
      });
    });

    test.each([{ method: 'eigh' }, { method: 'qr' }] as const)(
      'moments keep their sum and stay positive, whatever the turn: $method',
      (method) => {
        const random = seededRandom(5);
        const options: PreconditionerInput = { type: 'eigenvalue-corrected', ...method };
        drive({ engine, options, shape: [3, 2, 4], shared: { beta2: 0.9 } }, ({ step, slot, rounding }) => {
          let sum = 0;
          for (let t = 1; t <= 20; t++) {
            const gradient = random.normals(24);
            sum = 0.9 * sum + 0.1 * squares(gradient);
            step(gradient, { refresh: t % 3 === 0 });
            const moments = slot('second moment');
            expect(Math.abs(moments.reduce((total, x) => total + x, 0) - sum)).toBeLessThan(200 * rounding * sum);
            expect(Math.min(...moments)).toBeGreaterThan(0);
          }
        });
      },
    );

    test('dimensions whose basis is left alone keep theirs: moments move along the others only', () => {
      const random = seededRandom(6);
      const options: PreconditionerInput = { type: 'eigenvalue-corrected', ignoredBasisChangeDims: { 2: [0] } };
      drive({ engine, options, shape: [3, 4], shared: { beta2: 0.9 } }, ({ step, slot, names, rounding }) => {
        expect(names).toEqual(['factor 1', 'vectors 1', 'second moment']);
        const rows = [0, 0, 0];
        for (let t = 1; t <= 9; t++) {
          const gradient = random.normals(12);
          for (const row of rows.keys()) rows[row] = 0.9 * at(rows, row) + 0.1 * squares(gradient.subarray(4 * row, 4 * row + 4));
          step(gradient, { refresh: t % 2 === 0 });
        }
        const moments = slot('second moment');
        const sums = rows.map((_, row) => moments.slice(4 * row, 4 * row + 4).reduce((total, x) => total + x, 0));
        expect(distance(sums, rows)).toBeLessThan(200 * rounding * Math.max(...rows));
      });
    });

    test('with all dimensions left alone it is Adam, refresh or not', () => {
      const options: PreconditionerInput = { type: 'eigenvalue-corrected', ignoredBasisChangeDims: { 2: [0, 1] } };
      drive({ engine, options, shape: [2, 2], shared: { beta2: 0.9 } }, ({ step, names }) => {
        expect(names).toEqual(['second moment']);
        const { direction, outcomes } = step([3, -2, 1e-3, 7], { refresh: true });
        expect(outcomes).toEqual([]);
        expect(distance(direction, [1, -1, 1, 1])).toBeLessThan(1e-4);
      });
    });
  });

  describe('whether a basis still diagonalises is seen from the entries beside the diagonal', () => {
    // Factor of rows: [[1, e], [e, 1/2]]; its share beside the diagonal is 1.3e-4, its square lost in float32.
    const gradient = [1, 0, 1e-4, Math.SQRT1_2];
    test.each(modes)('%s', (compatibility) => {
      const options: PreconditionerInput = { type: 'eigendecomposed', method: 'eigh', tolerance: 1e-6 };
      drive({ engine, options, shape: [2, 2], shared: { compatibility, epsilon: 1e-30 } }, ({ step, slot }) => {
        step(gradient, { refresh: true });
        const stays = distance(slot('vectors 0'), identity(2)) === 0;
        // Float64 has the digits.
        expect(stays).toBe(compatibility === 'reference' && engine !== 'reference');
      });
    });
  });

  describe('a Newton iteration that has not converged has failed, and the old root stays', () => {
    test.each(modes)('%s', (compatibility) => {
      const options: PreconditionerInput = { type: 'root-inverse', method: 'coupled-newton', maxIterations: 1 };
      drive({ engine, options, shape: [2, 1], shared: { compatibility, epsilon: 1e-3 } }, ({ step, slot }) => {
        const { outcomes } = step([1, 0], { refresh: true });
        expect(outcomes[0]).toEqual(compatibility === 'reference' ? ok : failed);
        expect(distance(slot('root 0'), identity(2)) === 0).toBe(compatibility !== 'reference');
      });
    });
  });

  describe('a result that is not finite is a failure as any other', () => {
    describe.each(modes)('%s', (compatibility) => {
      test('a root of 0', () => {
        drive(
          { engine, options: { type: 'root-inverse' }, shape: [2], shared: { compatibility, epsilon: 0 } },
          ({ step, slot }) => {
            expect(step([0, 0], { refresh: true }).outcomes).toEqual([failed]);
            expect(slot('root 0')).toEqual([1, 0, 0, 1]);
            expect(step([2, 1], { refresh: true }).direction.every(Number.isFinite)).toBe(true);
          },
        );
      });

      test.each([
        { type: 'root-inverse', method: 'eigen' },
        { type: 'root-inverse', method: 'coupled-newton' },
        { type: 'root-inverse', method: 'coupled-higher-order', relativeEpsilon: 0, absoluteEpsilon: 1e-6 },
        { type: 'eigendecomposed', method: 'eigh' },
        { type: 'eigendecomposed', method: 'qr' },
        { type: 'eigenvalue-corrected', method: 'eigh' },
        { type: 'eigenvalue-corrected', method: 'qr' },
        { type: 'kl-root-inverse' },
        { type: 'kl-eigendecomposed' },
      ] as const)('a gradient that was not finite: %o', (options) => {
        drive({ engine, options, shape: [2, 3], shared: { compatibility } }, ({ step, slot, names }) => {
          step([1, 2, 3, 4, 5, 7], { refresh: true });
          const kept = names.filter((name) => !/factor|moment/.test(name));
          const before = kept.map(slot);
          expect(step([1, Number.NaN, 3, 4, 5, 6], { refresh: true }).outcomes).toEqual([failed, failed]);
          expect(kept.map(slot)).toEqual(before);
        });
      });
    });
  });

  describe('an exponent that is a fraction is computed as that by coupled iterations', () => {
    const gradient = [2, 0.5, 0.25, 1];
    const root = (options: PreconditionerInput, epsilon: number) =>
      drive({ engine, options, shape: [2, 2], shared: { epsilon } }, ({ step, slot, rounding }) => {
        const { outcomes } = step(gradient, { refresh: true });
        return { outcomes, root: slot('root 0'), rounding };
      });
    test.each([0.3, 0.75, 1 / 3, 0.7, 1.5])('%d', (exponent) => {
      const inverseExponent = { 2: exponent };
      const { root: expected } = root({ type: 'root-inverse', inverseExponent }, 0.01);
      for (const method of [
        { method: 'coupled-newton', tolerance: 0 },
        { method: 'coupled-higher-order', relativeEpsilon: 0, absoluteEpsilon: 0.01, tolerance: 0 },
      ] as const) {
        const { outcomes, root: found, rounding } = root({ type: 'root-inverse', inverseExponent, ...method }, 0.01);
        expect(outcomes).toEqual([ok, ok]);
        expect(distance(found, expected)).toBeLessThan(2000 * rounding);
      }
    });
  });

  describe('a coupled Newton iteration starts where its first round loses nothing', () => {
    const root = (options: PreconditionerInput) =>
      drive({ engine, options, shape: [2, 3], shared: { epsilon: 0.01 } }, ({ step, slot, rounding }) => {
        const { outcomes } = step([2, 0.5, 0.25, 1, 0.3, -0.4], { refresh: true });
        return { outcomes, roots: [slot('root 0'), slot('root 1')] as const, rounding };
      });
    test.each([1 / 64, 1 / 63, 1 / 20, 17 / 64, 63 / 64, 64 / 63, 5 / 7, 3])('exponent %d', (exponent) => {
      const inverseExponent = { 2: exponent };
      const { roots: expected } = root({ type: 'root-inverse', inverseExponent });
      const { outcomes, roots, rounding } = root({
        type: 'root-inverse',
        inverseExponent,
        method: 'coupled-newton',
        tolerance: 0,
      });
      expect(outcomes).toEqual([ok, ok]);
      for (const [index, found] of roots.entries()) {
        const exact = expected[index] as number[];
        expect(distance(found, exact) / Math.max(...exact)).toBeLessThan(5000 * rounding);
      }
    });
  });

  describe('QR', () => {
    test('keeps its basis orthogonal over 500 refreshes', () => {
      const random = seededRandom(8);
      const options: PreconditionerInput = { type: 'eigenvalue-corrected', method: 'qr' };
      drive({ engine, options, shape: [6, 6], shared: { beta2: 0.5 } }, ({ step, slot, rounding }) => {
        for (let t = 0; t < 500; t++) expect(step(random.normals(36), { refresh: true }).outcomes).toEqual([ok, ok]);
        expect(orthogonality(slot('vectors 0'), 6)).toBeLessThan(50 * rounding);
        expect(orthogonality(slot('vectors 1'), 6)).toBeLessThan(50 * rounding);
      });
    });

    test.each(modes)('starts from the largest eigenvalue, and comes to rest: %s', (compatibility) => {
      const n = 6;
      // The same gradient each time: the factor's eigenbasis stays.
      const gradient = positiveDefinite(n, 30, 9);
      const options: PreconditionerInput = { type: 'eigendecomposed', method: 'qr' };
      drive({ engine, options, shape: [n, n], shared: { beta2: 0.5, compatibility } }, ({ step, slot, rounding }) => {
        for (let t = 0; t < 60; t++) step(gradient, { refresh: true });
        const basis = slot('vectors 0');
        const turned = multiply(multiply(basis, gradient, n), transposed(basis, n), n);
        const beside = distance(
          turned.map((x, i) => (i % (n + 1) === 0 ? 0 : x)),
          new Float64Array(n * n),
        );
        if (compatibility === 'default') expect(beside).toBeLessThan(200 * rounding);
        else expect(beside).toBeGreaterThan(0.1);
      });
    });
  });
});
