import { seededRandom } from '@distributed-shampoo/testing';

/** Row-major, square. */
export type Matrix = Float64Array;
export const at = (a: ArrayLike<number>, i: number) => a[i] as number;

/** `A B`, of order n. */
export function multiply(a: ArrayLike<number>, b: ArrayLike<number>, n: number): Matrix {
  const c = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let k = 0; k < n; k++) for (let j = 0; j < n; j++) c[i * n + j] = at(c, i * n + j) + at(a, i * n + k) * at(b, k * n + j);
  return c;
}

export const identity = (n: number): Matrix => Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));

/** Householder reflections of the identity: an orthogonal matrix. */
export function orthogonal(n: number, seed: number): Matrix {
  const random = seededRandom(seed);
  let q = identity(n);
  for (let reflection = 0; reflection < 3; reflection++) {
    const v = random.normals(n);
    const square = v.reduce((sum, x) => sum + x * x, 0);
    const h = identity(n).map((x, i) => x - (2 * at(v, Math.floor(i / n)) * at(v, i % n)) / square);
    q = multiply(q, h, n);
  }
  return q;
}

/** Q diag(l) Q^T, eigenvalues spread evenly in logarithm from 1 down to 1 / condition. */
export function positiveDefinite(n: number, condition: number, seed: number): Matrix {
  const q = orthogonal(n, seed);
  const l = Array.from({ length: n }, (_, i) => condition ** -(n === 1 ? 0 : i / (n - 1)));
  const scaled = q.map((x, i) => x * at(l, i % n));
  const transposed = q.map((_, i) => at(q, (i % n) * n + Math.floor(i / n)));
  return multiply(scaled, transposed, n);
}

/** Q diag(l) Q^T. */
export function withSpectrum(l: readonly number[], seed: number): Matrix {
  const n = l.length;
  const q = orthogonal(n, seed);
  return multiply(
    q.map((x, i) => x * at(l, i % n)),
    transposed(q, n),
    n,
  );
}

export const transposed = (a: ArrayLike<number>, n: number): Matrix =>
  Float64Array.from({ length: n * n }, (_, i) => at(a, (i % n) * n + Math.floor(i / n)));

/** The largest magnitude of `A - B`; NaN where an entry is. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const apart = Math.abs(at(a, i) - at(b, i));
    if (!(apart <= largest)) largest = apart;
    if (Number.isNaN(apart)) return apart;
  }
  return largest;
}
