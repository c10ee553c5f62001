/** The numbers of one matrix, row-major. */
type Numbers = Float32Array | Float64Array;

/** `max_i sum_j |m_ij|`, of rows of n; NaN where an entry is. */
export function largestRowSum(m: Numbers, n: number): number {
  let largest = 0;
  for (let row = 0; row < m.length; row += n) {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += Math.abs(m[row + j] as number);
    largest = Math.max(largest, sum);
  }
  return largest;
}

/** `max |M - I|` of an `[n, n]` matrix; NaN where an entry is. */
export function distanceFromIdentity(m: Numbers, n: number): number {
  let largest = 0;
  for (let row = 0, i = 0; row < m.length; row += n, i++) {
    for (let j = 0; j < n; j++) {
      const distance = Math.abs((m[row + j] as number) - (i === j ? 1 : 0));
      // Not Math.max in every round: this loop is as long as the matrix is large.
      if (!(distance <= largest)) {
        if (Number.isNaN(distance)) return Number.NaN;
        largest = distance;
      }
    }
  }
  return largest;
}

/** How the share beside the diagonal is computed. */
export interface OffDiagonal {
  /** By the difference of two norms, as the reference does: it cancels. */
  readonly cancelling: boolean;
  /** To the precision in which that difference is taken. */
  readonly round: (x: number) => number;
}

/** `|M - diag M| / |M|` of an `[n, n]` matrix, 0 for M = 0. */
export function offDiagonal(m: Numbers, n: number, { cancelling, round }: OffDiagonal): number {
  let beside = 0;
  let diagonal = 0;
  for (let row = 0, i = 0; row < m.length; row += n, i++) {
    for (let j = 0; j < n; j++) {
      const square = (m[row + j] as number) ** 2;
      if (i === j) diagonal += square;
      else beside += square;
    }
  }
  const all = beside + diagonal;
  if (all === 0) return 0;
  if (!cancelling) return Math.sqrt(beside / all);
  const [norm, diagonalNorm] = [round(Math.sqrt(all)), round(Math.sqrt(diagonal))];
  return Math.sqrt(round(round(norm * norm) - round(diagonalNorm * diagonalNorm))) / norm;
}

/** `out_i <- sum_j a_ij b_ij`: as many rows as `out` has elements. */
export function rowDots(out: Numbers, a: Numbers, b: Numbers): void {
  const columns = a.length / out.length;
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    for (let at = i * columns; at < (i + 1) * columns; at++) sum += (a[at] as number) * (b[at] as number);
    out[i] = sum;
  }
}

/** Sorts values ascending, equal ones in their order, and the rows of a matrix with them. */
export function sortRows(values: Numbers, matrix: Numbers): void {
  const columns = matrix.length / values.length;
  const order = Array.from(values.keys()).sort((i, j) => (values[i] as number) - (values[j] as number) || i - j);
  const [oldValues, oldMatrix] = [values.slice(), matrix.slice()];
  for (const [to, from] of order.entries()) {
    values[to] = oldValues[from] as number;
    matrix.set(oldMatrix.subarray(from * columns, (from + 1) * columns), to * columns);
  }
}
