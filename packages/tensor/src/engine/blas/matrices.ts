import { LOWER, NO_TRANSPOSE, ROW_MAJOR, TRANSPOSE } from './library.ts';
import type { Machine } from './machine.ts';

/** One member of a stack: `outer` slices of `d` rows of `inner` elements; addresses are byte offsets. */
export interface Unfolding {
  readonly outer: number;
  readonly d: number;
  readonly inner: number;
}

/** `F <- decay F + weight X(k) X(k)^T`, lower triangle. Slices of the outer dimension add up, the first one applies the decay. */
export function modeGram(
  machine: Machine,
  factor: number,
  x: number,
  { outer, d, inner }: Unfolding,
  decay: number,
  weight: number,
): void {
  const { base, blas } = machine;
  if (outer * inner === 1) {
    rankOne(machine, factor, x, d, decay, weight);
  } else if (inner === 1) {
    blas.syrk(ROW_MAJOR, LOWER, TRANSPOSE, d, outer, weight, base + x, d, decay, base + factor, d);
  } else {
    for (let o = 0; o < outer; o++) {
      blas.syrk(
        ROW_MAJOR,
        LOWER,
        NO_TRANSPOSE,
        d,
        inner,
        weight,
        base + x + 4 * o * d * inner,
        inner,
        o === 0 ? decay : 1,
        base + factor,
        d,
      );
    }
  }
}

/** A vector's factor in one pass over the lower triangle, row by row: `ssyrk` would pass twice. */
function rankOne({ kernels, float32 }: Machine, factor: number, x: number, d: number, decay: number, weight: number): void {
  for (let i = 0; i < d; i++) {
    const alpha = weight * (float32[x / 4 + i] as number);
    if (decay === 0) kernels.scale(factor + 4 * i * d, x, i + 1, alpha);
    else kernels.combine(factor + 4 * i * d, x, i + 1, alpha, decay);
  }
}

/** `out = X x_k M`, M `[d, e]`, or `[e, d]` where `transpose`. */
export function modeProduct(
  { base, blas }: Machine,
  out: number,
  x: number,
  matrix: number,
  { outer, d, inner }: Unfolding,
  e: number,
  transpose: boolean,
): void {
  const columns = transpose ? d : e;
  if (outer * inner === 1) {
    if (transpose) blas.gemv(ROW_MAJOR, NO_TRANSPOSE, e, d, 1, base + matrix, columns, base + x, 1, 0, base + out, 1);
    else blas.gemv(ROW_MAJOR, TRANSPOSE, d, e, 1, base + matrix, columns, base + x, 1, 0, base + out, 1);
  } else if (inner === 1) {
    blas.gemm(
      ROW_MAJOR,
      NO_TRANSPOSE,
      transpose ? TRANSPOSE : NO_TRANSPOSE,
      outer,
      e,
      d,
      1,
      base + x,
      d,
      base + matrix,
      columns,
      0,
      base + out,
      e,
    );
  } else {
    for (let o = 0; o < outer; o++) {
      const slice = base + x + 4 * o * d * inner;
      blas.gemm(
        ROW_MAJOR,
        transpose ? NO_TRANSPOSE : TRANSPOSE,
        NO_TRANSPOSE,
        e,
        inner,
        d,
        1,
        base + matrix,
        columns,
        slice,
        inner,
        0,
        base + out + 4 * o * e * inner,
        inner,
      );
    }
  }
}

/** `out <- s F`, lower triangle, `s = scale max(scale tr F, floor)^(-exponent)`. */
export function scaleFactor(
  { float32, kernels }: Machine,
  out: number,
  factor: number,
  n: number,
  scale: number,
  exponent: number,
  floor: number,
): void {
  let factorScale = scale;
  if (exponent !== 0) {
    let trace = 0;
    for (let i = 0; i < n; i++) trace += float32[factor / 4 + i * (n + 1)] as number;
    factorScale *= Math.max(scale * trace, floor) ** -exponent;
  }
  for (let i = 0; i < n; i++) kernels.scale(out + 4 * i * n, factor + 4 * i * n, i + 1, factorScale);
}

/** Row i of an `[m, n]` matrix times factor i. */
export function scaleRows({ float32, kernels }: Machine, matrix: number, factors: number, m: number, n: number): void {
  for (let i = 0; i < m; i++) kernels.scale(matrix + 4 * i * n, matrix + 4 * i * n, n, float32[factors / 4 + i] as number);
}

const TILE = 64;

/** Lower triangle to upper, in tiles that fit the cache: whole tiles by a transposed copy, those on the diagonal element by element. */
export function mirror({ base, blas, float32 }: Machine, matrix: number, n: number): void {
  for (let row = 0; row < n; row += TILE) {
    const height = Math.min(TILE, n - row);
    for (let column = 0; column < row; column += TILE) {
      const from = base + matrix + 4 * (row * n + column);
      blas.omatcopy(ROW_MAJOR, TRANSPOSE, height, TILE, 1, from, n, base + matrix + 4 * (column * n + row), n);
    }
    for (let i = row; i < row + height; i++) {
      for (let j = row; j < i; j++) float32[matrix / 4 + j * n + i] = float32[matrix / 4 + i * n + j] as number;
    }
  }
}

/** `M <- I`. */
export function identity(machine: Machine, matrix: number, n: number): void {
  machine.float32.fill(0, matrix / 4, matrix / 4 + n * n);
  addDiagonal(machine, matrix, n, 1);
}

/** `M <- M + value I`. */
export function addDiagonal({ float32 }: Machine, matrix: number, n: number, value: number): void {
  for (let i = 0, at = matrix / 4; i < n; i++, at += n + 1) float32[at] = (float32[at] as number) + value;
}

/** `out <- diag M`. */
export function diagonal({ float32 }: Machine, out: number, matrix: number, n: number): void {
  for (let i = 0; i < n; i++) float32[out / 4 + i] = float32[matrix / 4 + i * (n + 1)] as number;
}

/** `out <- tr M`. */
export function trace({ float32 }: Machine, out: number, matrix: number, n: number): void {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += float32[matrix / 4 + i * (n + 1)] as number;
  float32[out / 4] = sum;
}
