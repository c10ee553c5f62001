/**
 * Symmetric eigendecomposition by cyclic Jacobi rotations, `A = V^T diag(l) V`: row i of V is the eigenvector of `l[i]`, ascending.
 *
 * Each rotation makes one pair of off-diagonal entries zero; sweeps go on until none is larger than rounding. Slow beside divide and
 * conquer, short, and accurate: what an oracle should be.
 *
 * @param a `[n, n]` row-major, lower triangle read; becomes V.
 * @param values `[n]`, destination.
 * @returns whether it converged; it does within a dozen sweeps unless an entry is not finite.
 * @see Golub and Van Loan, "Matrix Computations", 8.5.
 */
export function jacobiEigh(a: Float64Array, values: Float64Array): boolean {
  const n = values.length;
  const work = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) work[i * n + j] = work[j * n + i] = a[i * n + j] as number;
  const vectors = new Float64Array(n * n);
  for (let i = 0; i < n; i++) vectors[i * n + i] = 1;
  const converged = sweepUntilDiagonal(work, vectors, n);
  const order = Array.from({ length: n }, (_, i) => i).sort(
    (i, j) => (work[i * (n + 1)] as number) - (work[j * (n + 1)] as number),
  );
  for (const [to, from] of order.entries()) {
    values[to] = work[from * (n + 1)] as number;
    a.set(vectors.subarray(from * n, (from + 1) * n), to * n);
  }
  return converged;
}

const MOST_SWEEPS = 60;

function sweepUntilDiagonal(work: Float64Array, vectors: Float64Array, n: number): boolean {
  for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    let rotated = false;
    for (let p = 0; p < n - 1; p++) {
      for (let q = p + 1; q < n; q++) {
        const off = work[p * n + q] as number;
        const scale = Math.sqrt(Math.abs((work[p * (n + 1)] as number) * (work[q * (n + 1)] as number)));
        // Relative to its own diagonal, so that small eigenvalues of a graded matrix come out accurate too.
        if (Number.isNaN(off)) return false;
        if (Math.abs(off) <= Number.EPSILON * scale || Math.abs(off) < Number.MIN_VALUE / Number.EPSILON) continue;
        rotate(work, vectors, n, p, q);
        rotated = true;
      }
    }
    if (!rotated) return true;
  }
  return false;
}

/** Makes `work[p, q]` zero by a rotation in the plane of p and q, and turns rows p and q of the vectors with it. */
function rotate(work: Float64Array, vectors: Float64Array, n: number, p: number, q: number): void {
  const theta = ((work[q * (n + 1)] as number) - (work[p * (n + 1)] as number)) / (2 * (work[p * n + q] as number));
  const t = theta === 0 ? 1 : Math.sign(theta) / (Math.abs(theta) + Math.hypot(theta, 1));
  const c = 1 / Math.hypot(t, 1);
  const s = t * c;
  const turnRows = (m: Float64Array) => {
    for (let k = 0; k < n; k++) {
      const up = m[p * n + k] as number;
      const down = m[q * n + k] as number;
      m[p * n + k] = c * up - s * down;
      m[q * n + k] = s * up + c * down;
    }
  };
  turnRows(work);
  for (let k = 0; k < n; k++) {
    const left = work[k * n + p] as number;
    const right = work[k * n + q] as number;
    work[k * n + p] = c * left - s * right;
    work[k * n + q] = s * left + c * right;
  }
  work[p * n + q] = 0;
  work[q * n + p] = 0;
  turnRows(vectors);
}
