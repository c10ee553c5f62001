/**
 * Makes the rows of a square matrix orthonormal in place, row i within the span of rows 0 to i, by Householder reflections: the rows of Q in `A = L Q`, up to signs.
 *
 * @returns whether every entry came out finite.
 * @see Golub and Van Loan, "Matrix Computations", 5.2.
 */
export function orthonormalRows(a: Float64Array | Float32Array, n: number): boolean {
  const reflectors: Float64Array[] = [];
  for (let k = 0; k < n; k++) {
    const v = Float64Array.from({ length: n }, (_, j) => (j < k ? 0 : (a[k * n + j] as number)));
    const norm = Math.hypot(...v);
    v[k] = (v[k] as number) + ((v[k] as number) < 0 ? -norm : norm);
    const length = Math.hypot(...v);
    if (length > 0) for (let j = k; j < n; j++) v[j] = (v[j] as number) / length;
    reflectors.push(v);
    for (let row = k; row < n; row++) reflect(a, row * n, v);
  }
  for (let i = 0; i < n; i++) {
    a.fill(0, i * n, (i + 1) * n);
    a[i * (n + 1)] = 1;
    for (const v of reflectors.slice(0, i + 1).reverse()) reflect(a, i * n, v);
  }
  return a.every(Number.isFinite);
}

/** `row <- row - 2 (row . v) v`. */
function reflect(a: Float64Array | Float32Array, at: number, v: Float64Array): void {
  let dot = 0;
  for (let j = 0; j < v.length; j++) dot += (a[at + j] as number) * (v[j] as number);
  for (let j = 0; j < v.length; j++) a[at + j] = (a[at + j] as number) - 2 * dot * (v[j] as number);
}
