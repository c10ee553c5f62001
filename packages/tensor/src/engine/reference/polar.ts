type Numbers = Float32Array | Float64Array;

const MOST_SWEEPS = 60;

/**
 * The orthogonal factor `U V^T` of an `[m, n]` matrix by one-sided Jacobi rotations: J turns the shorter side's vectors until they are orthogonal,
 * `J X = diag(s) V^T`, so `U V^T = J^T V^T`. Directions of a singular value 0 are left out.
 *
 * @returns the sum of the singular values.
 * @see Golub and Van Loan, "Matrix Computations", 8.6.3.
 */
export function polarFactor(out: Numbers, x: Numbers, m: number): number {
  const n = x.length / m;
  const [k, length] = m <= n ? [m, n] : [n, m];
  const element = (vector: number, j: number) => (m <= n ? vector * n + j : j * n + vector);
  const vectors = Array.from({ length: k }, (_, i) => Float64Array.from({ length }, (_, j) => x[element(i, j)] as number));
  const turns = Array.from({ length: k }, (_, i) => Float64Array.from({ length: k }, (_, j) => (i === j ? 1 : 0)));
  for (let sweep = 0, rotated = true; rotated && sweep < MOST_SWEEPS; sweep++) {
    rotated = false;
    for (let p = 0; p < k - 1; p++) for (let q = p + 1; q < k; q++) rotated = makeOrthogonal(vectors, turns, p, q) || rotated;
  }
  out.fill(0);
  let nuclear = 0;
  for (const [i, vector] of vectors.entries()) {
    const singular = Math.sqrt(dot(vector, vector));
    nuclear += singular;
    if (singular === 0) continue;
    for (const [row, weight] of (turns[i] as Float64Array).entries()) {
      for (let j = 0; j < length; j++) {
        const at = element(row, j);
        out[at] = (out[at] as number) + (weight * (vector[j] as number)) / singular;
      }
    }
  }
  return nuclear;
}

function makeOrthogonal(vectors: readonly Float64Array[], turns: readonly Float64Array[], p: number, q: number): boolean {
  const [a, b] = [vectors[p] as Float64Array, vectors[q] as Float64Array];
  const [aa, bb, ab] = [dot(a, a), dot(b, b), dot(a, b)];
  if (!(Math.abs(ab) > Number.EPSILON * Math.sqrt(aa * bb))) return false;
  const theta = (bb - aa) / (2 * ab);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const c = 1 / Math.hypot(t, 1);
  for (const [up, down] of [
    [a, b],
    [turns[p] as Float64Array, turns[q] as Float64Array],
  ] as const) {
    for (let j = 0; j < up.length; j++) {
      const [first, second] = [up[j] as number, down[j] as number];
      up[j] = c * (first - t * second);
      down[j] = c * (t * first + second);
    }
  }
  return true;
}

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
