import type { Machine } from './machine.ts';

/** The lower triangle of a square, row after row. Addresses are byte offsets, n the order; the others alike. */
export function packFloat32({ kernels }: Machine, out: number, matrix: number, n: number): void {
  // Times 1 is a copy at the rate of memory; a copy within a shared buffer goes byte by byte where rows are not aligned alike.
  for (let i = 0, to = out; i < n; i++, to += 4 * i) kernels.scale(to, matrix + 4 * i * n, i + 1, 1);
}

/** A packed triangle back to the lower triangle of a square. */
export function unpackFloat32({ kernels }: Machine, matrix: number, packed: number, n: number): void {
  for (let i = 0, from = packed; i < n; i++, from += 4 * i) kernels.scale(matrix + 4 * i * n, from, i + 1, 1);
}

const INFINITY_BITS = 0x7f800000;
const MAGNITUDE = 0x7fffffff;
/** The highest bit of a NaN's payload: set, so that cutting the others off does not make it infinity. */
const QUIET = 0x40;

/**
 * The lower triangle of a square in bfloat16, the upper half of a float32, rounded to nearest, ties to even: adding half a unit, less where the kept half is even,
 * carries into it when it should; also past the largest number, to infinity.
 */
export function packBfloat16({ int32, uint16 }: Machine, out: number, matrix: number, n: number): void {
  let to = out / 2;
  for (let i = 0; i < n; i++) {
    const row = matrix / 4 + i * n;
    for (let at = row; at <= row + i; at++) {
      const bits = int32[at] as number;
      const noNumber = (bits & MAGNITUDE) > INFINITY_BITS;
      uint16[to++] = noNumber ? (bits >>> 16) | QUIET : (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
    }
  }
}

/** A packed triangle in bfloat16 to the lower triangle of a square. */
export function unpackBfloat16({ int32, uint16 }: Machine, matrix: number, packed: number, n: number): void {
  let from = packed / 2;
  for (let i = 0; i < n; i++) {
    const row = matrix / 4 + i * n;
    for (let at = row; at <= row + i; at++) int32[at] = (uint16[from++] as number) << 16;
  }
}
