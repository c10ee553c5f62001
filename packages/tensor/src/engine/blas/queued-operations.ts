import type { ArenaSlot } from '../arena.ts';
import type {
  DivideByRoot,
  Eigh,
  ModeGram,
  ModeProduct,
  Operations,
  Packing,
  ScaleByPower,
  ScaleFactor,
  Slot,
  Threshold,
} from '../matrix-engine.ts';
import type { SpectrumPower } from '../spectrum.ts';
import { modeStrides } from '../strides.ts';
import type { OperationName } from './operations.ts';

/** Every operation as the queue has it: a name, slots, and numbers, in the order in which `operations.ts` reads them. */
export abstract class QueuedOperations implements Operations {
  protected abstract issue(name: OperationName, slots: readonly Slot[], numbers: readonly number[]): void;

  modeGram(factor: Slot, x: Slot, { mode, decay, weight }: ModeGram): void {
    const { outer, d, inner } = modeStrides(x.shape.slice(1), mode);
    this.issue('modeGram', [factor, x], [outer, d, inner, decay, weight]);
  }

  modeProduct(out: Slot, x: Slot, matrix: Slot, { mode, transpose = false }: ModeProduct): void {
    const { outer, d, inner } = modeStrides(x.shape.slice(1), mode);
    const e = out.shape[mode + 1] ?? 1;
    this.issue('modeProduct', [out, x, matrix], [outer, d, inner, e, transpose ? 1 : 0]);
  }

  scaleFactor(out: Slot, factor: Slot, { scale, traceExponent, traceFloor }: ScaleFactor): void {
    this.issue('scaleFactor', [out, factor], [out.shape[1] as number, scale, traceExponent, traceFloor]);
  }

  eigh(values: Slot, vectors: Slot, status: Slot, { diagonal, precision }: Eigh): void {
    this.issue('eigh', [values, vectors, status], [vectors.shape[1] as number, diagonal, precision === 'float64' ? 1 : 0]);
  }

  spectrumPower(values: Slot, { exponent, epsilon, rankDeficiency: rule }: SpectrumPower): void {
    const pseudo = rule.type === 'pseudo-inverse';
    const kind = pseudo ? 2 : rule.before ? 0 : 1;
    const [relative, absolute] = pseudo ? [rule.relativeTolerance, rule.absoluteTolerance] : [0, 0];
    this.issue('spectrumPower', [values], [values.shape[1] as number, exponent, epsilon, kind, relative, absolute]);
  }

  scaleRows(matrix: Slot, factors: Slot): void {
    this.issue('scaleRows', [matrix, factors], [matrix.shape[1] as number, matrix.shape[2] as number]);
  }

  mirror(matrix: Slot): void {
    this.issue('mirror', [matrix], [matrix.shape[1] as number]);
  }

  packLower(out: Slot, matrix: Slot, { precision }: Packing): void {
    this.issue(precision === 'bfloat16' ? 'packBfloat16' : 'packFloat32', [out, matrix], [matrix.shape[1] as number]);
  }

  unpackLower(matrix: Slot, packed: Slot, { precision }: Packing): void {
    this.issue(precision === 'bfloat16' ? 'unpackBfloat16' : 'unpackFloat32', [matrix, packed], [matrix.shape[1] as number]);
  }

  identity(matrix: Slot): void {
    this.issue('identity', [matrix], [matrix.shape[1] as number]);
  }

  addDiagonal(matrix: Slot, { value }: { readonly value: number }): void {
    this.issue('addDiagonal', [matrix], [matrix.shape[1] as number, value]);
  }

  addScaledDiagonal(matrix: Slot, s: Slot, { relative, least }: { readonly relative: number; readonly least: number }): void {
    this.issue('addScaledDiagonal', [matrix, s], [matrix.shape[1] as number, relative, least]);
  }

  diagonal(out: Slot, matrix: Slot): void {
    this.issue('diagonal', [out, matrix], [matrix.shape[1] as number]);
  }

  trace(out: Slot, matrix: Slot): void {
    this.issue('trace', [out, matrix], [matrix.shape[1] as number]);
  }

  largestRowSum(out: Slot, matrix: Slot): void {
    this.issue('largestRowSum', [out, matrix], [matrix.shape[1] as number]);
  }

  distanceFromIdentity(out: Slot, matrix: Slot): void {
    this.issue('distanceFromIdentity', [out, matrix], [matrix.shape[1] as number]);
  }

  offDiagonal(out: Slot, matrix: Slot, { cancelling }: { readonly cancelling: boolean }): void {
    this.issue('offDiagonal', [out, matrix], [matrix.shape[1] as number, cancelling ? 1 : 0]);
  }

  rowDots(out: Slot, a: Slot, b: Slot): void {
    this.issue('rowDots', [out, a, b], [a.shape[1] as number, a.shape[2] as number]);
  }

  orthonormalRows(matrix: Slot, status: Slot): void {
    this.issue('orthonormalRows', [matrix, status], [matrix.shape[1] as number]);
  }

  sortRows(values: Slot, matrix: Slot): void {
    this.issue('sortRows', [values, matrix], [matrix.shape[1] as number, matrix.shape[2] as number]);
  }

  polarFactor(out: Slot, x: Slot, nuclear: Slot): void {
    this.issue('polarFactor', [out, x, nuclear], [x.shape[1] as number, x.shape[2] as number]);
  }

  threshold(flag: Slot, x: Slot, { limit, below, above, nan }: Threshold): void {
    this.issue('threshold', [flag, x], [limit, below, above, nan]);
  }

  stalled(flag: Slot, now: Slot, before: Slot, { growth, level }: { readonly growth: number; readonly level: number }): void {
    this.issue('stalled', [flag, now, before], [growth, level]);
  }

  combine(y: Slot, x: Slot, { a, b }: { readonly a: number; readonly b: number }): void {
    this.issue('combine', [y, x], [memberLength(y), a, b]);
  }

  lerp(out: Slot, a: Slot, b: Slot, { weight }: { readonly weight: number }): void {
    this.issue('lerp', [out, a, b], [memberLength(out), weight]);
  }

  fill(x: Slot, { value }: { readonly value: number }): void {
    this.issue('fill', [x], [memberLength(x), value]);
  }

  scaleByPower(x: Slot, s: Slot, { factor, power, least }: ScaleByPower): void {
    this.issue('scaleByPower', [x, s], [memberLength(x), factor, power, least]);
  }

  sign(out: Slot, x: Slot): void {
    this.issue('sign', [out, x], [memberLength(x)]);
  }

  sumOfMagnitudes(out: Slot, x: Slot): void {
    this.issue('sumOfMagnitudes', [out, x], [memberLength(x)]);
  }

  divideByPower(
    out: Slot,
    x: Slot,
    v: Slot,
    { correction, exponent, epsilon }: DivideByRoot & { readonly exponent: number },
  ): void {
    this.issue('divideByPower', [out, x, v], [memberLength(out), correction, exponent, epsilon]);
  }

  addSquares(v: Slot, x: Slot, { decay, weight }: { readonly decay: number; readonly weight: number }): void {
    this.issue('addSquares', [v, x], [memberLength(v), decay, weight]);
  }

  divideByRoot(out: Slot, x: Slot, v: Slot, { correction, epsilon }: DivideByRoot): void {
    this.issue('divideByRoot', [out, x, v], [memberLength(out), correction, epsilon]);
  }

  norm(norm: Slot, x: Slot): void {
    this.issue('norm', [norm, x], [memberLength(x)]);
  }

  normOfQuotient(norm: Slot, x: Slot, v: Slot, { correction, epsilon }: DivideByRoot): void {
    this.issue('normOfQuotient', [norm, x, v], [memberLength(x), correction, epsilon]);
  }

  rescale(x: Slot, target: Slot, current: Slot): void {
    this.issue('rescale', [x, target, current], [memberLength(x)]);
  }
}

const memberLength = (slot: Slot): number => (slot as ArenaSlot).memberLength;
