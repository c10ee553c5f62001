import { NO_TRANSPOSE, ROW_MAJOR } from './library.ts';
import type { Machine } from './machine.ts';

const PARAMETER_BYTES = 64;
/** What `sgesdd` asks for at least when it returns the shorter side's singular vectors, in any version of LAPACK. */
const workLength = (m: number, n: number) => {
  const [k, longer] = [Math.min(m, n), Math.max(m, n)];
  return 5 * k * k + 14 * k + 33 * longer;
};

/** Bytes of workspace: parameters, a copy of the matrix, singular values, both sides' vectors, LAPACK's work arrays. */
export function polarFactorWorkspaceBytes(m: number, n: number): number {
  const k = Math.min(m, n);
  return PARAMETER_BYTES + 4 * (m * n + k + n * k + k * m + workLength(m, n) + 8 * k);
}

/**
 * `out <- U V^T` by LAPACK's singular value decomposition, and the sum of the singular values. LAPACK, column-major, sees the transposed matrix: its U is `[n, k]`
 * by columns, which is `[k, n]` by rows, and its V^T `[m, k]` by rows; so their product is the factor as it lies here. NaN where it fails.
 */
export function polarFactor(
  { base, blas, bytes, int32, float32, workspace }: Machine,
  out: number,
  x: number,
  nuclear: number,
  m: number,
  n: number,
): void {
  const k = Math.min(m, n);
  const parameters = workspace / 4;
  int32.set([n, m, k, workLength(m, n), 0], parameters);
  bytes[workspace + 20] = 'S'.charCodeAt(0);
  const at = (index: number) => base + workspace + 4 * index;
  const copy = workspace + PARAMETER_BYTES;
  const singular = copy + 4 * m * n;
  const u = singular + 4 * k;
  const vt = u + 4 * n * k;
  const work = vt + 4 * k * m;
  const integers = work + 4 * workLength(m, n);
  float32.copyWithin(copy / 4, x / 4, x / 4 + m * n);
  blas.sgesdd(
    at(5),
    at(0),
    at(1),
    base + copy,
    at(0),
    base + singular,
    base + u,
    at(0),
    base + vt,
    at(2),
    base + work,
    at(3),
    base + integers,
    at(4),
    1,
  );
  blas.gemm(ROW_MAJOR, NO_TRANSPOSE, NO_TRANSPOSE, m, n, k, 1, base + vt, k, base + u, n, 0, base + out, n);
  let sum = int32[parameters + 4] === 0 ? 0 : Number.NaN;
  for (let i = 0; i < k; i++) sum += float32[singular / 4 + i] as number;
  float32[nuclear / 4] = sum;
  if (Number.isNaN(sum)) float32.fill(Number.NaN, out / 4, out / 4 + m * n);
}
