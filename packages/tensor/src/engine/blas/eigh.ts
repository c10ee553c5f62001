import type { Machine } from './machine.ts';

/** Bytes of workspace that `eigh` of order n needs: parameters, LAPACK's work arrays and, in float64, the matrix and its eigenvalues. */
export function eighWorkspaceBytes(n: number, precision: 'float32' | 'float64'): number {
  const real = precision === 'float64' ? 8 : 4;
  const copies = precision === 'float64' ? n * n + n : 0;
  return PARAMETER_BYTES + real * (workLength(n) + copies) + 4 * integerWorkLength(n) + 64;
}

const PARAMETER_BYTES = 64;
const workLength = (n: number) => 1 + 6 * n + 2 * n * n;
const integerWorkLength = (n: number) => 3 + 5 * n;

/**
 * Eigendecomposition of `A + diagonal I` by LAPACK's divide and conquer, in place. The row-major lower triangle is the column-major upper one, and
 * column-major eigenvectors are the rows that the engine promises: nothing is transposed.
 */
export function eigh(
  machine: Machine,
  values: number,
  vectors: number,
  status: number,
  n: number,
  diagonal: number,
  double: boolean,
): void {
  const { base, bytes, int32, float32, float64, workspace, blas } = machine;
  const parameters = workspace / 4;
  int32[parameters] = n;
  int32[parameters + 1] = workLength(n);
  int32[parameters + 2] = integerWorkLength(n);
  int32[parameters + 3] = 0;
  bytes[workspace + 16] = 'V'.charCodeAt(0);
  bytes[workspace + 17] = 'U'.charCodeAt(0);
  const at = (bytesIn: number) => base + workspace + bytesIn;
  const real = double ? 8 : 4;
  const a = double ? workspace + PARAMETER_BYTES : vectors;
  const w = double ? a + 8 * n * n : values;
  const work = double ? w + 8 * n : workspace + PARAMETER_BYTES;
  const integers = work + real * workLength(n);
  if (double) for (let i = 0; i < n * n; i++) float64[a / 8 + i] = float32[vectors / 4 + i] as number;
  const elements = double ? float64 : float32;
  if (diagonal !== 0)
    for (let i = 0; i < n; i++) elements[a / real + i * (n + 1)] = (elements[a / real + i * (n + 1)] as number) + diagonal;
  const solver = double ? blas.dsyevd : blas.ssyevd;
  solver(at(16), at(17), at(0), base + a, at(0), base + w, base + work, at(4), base + integers, at(8), at(12), 1, 1);
  if (double) {
    for (let i = 0; i < n * n; i++) float32[vectors / 4 + i] = float64[a / 8 + i] as number;
    for (let i = 0; i < n; i++) float32[values / 4 + i] = float64[w / 8 + i] as number;
  }
  // LAPACK looks for NaN, not for infinity.
  const finite = float32.subarray(values / 4, values / 4 + n).every(Number.isFinite);
  float32[status / 4] = finite ? (int32[parameters + 3] as number) : n + 1;
}
