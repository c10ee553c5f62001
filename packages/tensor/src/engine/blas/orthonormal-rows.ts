import type { Machine } from './machine.ts';

const PARAMETER_BYTES = 64;
/** LAPACK's blocks of columns, 32 at most. */
const workLength = (n: number) => 32 * n;

/** Bytes of workspace: parameters, the reflectors' factors, LAPACK's work array. */
export const orthonormalRowsWorkspaceBytes = (n: number): number => PARAMETER_BYTES + 4 * (n + workLength(n));

/** Orthonormal rows by LAPACK's QR: its columns are the rows here, so nothing is transposed. Status is not 0 where an entry is not finite. */
export function orthonormalRows(
  { base, blas, int32, float32, workspace }: Machine,
  matrix: number,
  status: number,
  n: number,
): void {
  const parameters = workspace / 4;
  int32[parameters] = n;
  int32[parameters + 1] = workLength(n);
  int32[parameters + 2] = 0;
  const order = base + workspace;
  const [length, info] = [order + 4, order + 8];
  const tau = order + PARAMETER_BYTES;
  const work = tau + 4 * n;
  blas.sgeqrf(order, order, base + matrix, order, tau, work, length, info);
  blas.sorgqr(order, order, order, base + matrix, order, tau, work, length, info);
  const finite = float32.subarray(matrix / 4, matrix / 4 + n * n).every(Number.isFinite);
  float32[status / 4] = finite ? (int32[parameters + 2] as number) : n + 1;
}
