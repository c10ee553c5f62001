import {
  abs,
  add,
  cast,
  concat,
  div,
  equal,
  eye,
  fill,
  gather,
  getBackend,
  greater,
  greaterEqual,
  less,
  lessEqual,
  linalg,
  logicalAnd,
  logicalOr,
  matMul,
  max,
  maximum,
  min,
  minimum,
  mul,
  neg,
  onesLike,
  pow,
  range,
  reshape,
  scalar,
  sign,
  slice,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tensor1d,
  tile,
  topk,
  transpose,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core';
import type {
  DivideByRoot,
  Eigh,
  ModeGram,
  ModeProduct,
  Operations,
  ScaleByPower,
  ScaleFactor,
  Slot,
  Threshold,
} from '../matrix-engine.ts';
import type { SpectrumPower } from '../spectrum.ts';
import { modeStrides } from '../strides.ts';
import { eighTensors } from './eigh.ts';
import { orthonormalTensors } from './orthonormal-rows.ts';
import { polarTensors } from './polar-factor.ts';
import type { TensorSlots } from './tensor-slots.ts';
import type { TriangleIndices } from './triangle-indices.ts';

/** The matrix operations on tensors: one batched operation, or a few, for a stack of any size. */
export class TensorOperations implements Operations {
  readonly #slots: TensorSlots;
  readonly #indices: TriangleIndices;

  /** @param indices of packed triangles; whoever made them disposes of them. */
  constructor(slots: TensorSlots, indices: TriangleIndices) {
    this.#slots = slots;
    this.#indices = indices;
  }

  modeGram(factor: Slot, x: Slot, { mode, decay, weight }: ModeGram): void {
    this.#write(factor, [x], (tensor) => {
      const unfolded = this.#unfold(tensor, x.shape, mode);
      const gram = mul(this.#product(unfolded, unfolded, { transposeB: true }), weight);
      return decay === 0 ? gram : add(mul(this.#slots.read(factor), decay), gram);
    });
  }

  modeProduct(out: Slot, x: Slot, matrix: Slot, { mode, transpose: transposed = false }: ModeProduct): void {
    this.#write(out, [x, matrix], (tensor, m) => {
      const [stack, ...dims] = x.shape as [number, ...number[]];
      const { outer, d, inner } = modeStrides(dims, mode);
      const e = out.shape[mode + 1] ?? 1;
      if (outer === 1) return this.#product(m, reshape(tensor, [stack, d, inner]), { transposeA: !transposed });
      if (inner === 1) return this.#product(reshape(tensor, [stack, outer, d]), m, { transposeB: transposed });
      const last = transpose(reshape(tensor, [stack, outer, d, inner]), [0, 1, 3, 2]);
      const product = this.#product(reshape(last, [stack, outer * inner, d]), m, { transposeB: transposed });
      return transpose(reshape(product, [stack, outer, inner, e]), [0, 1, 3, 2]);
    });
  }

  scaleFactor(out: Slot, factor: Slot, { scale, traceExponent, traceFloor }: ScaleFactor): void {
    this.#write(out, [factor], (tensor) => {
      if (traceExponent === 0) return mul(tensor, scale);
      const trace = sum(mul(tensor, eye(out.shape[1] as number)), [1, 2], true);
      return mul(tensor, mul(pow(maximum(mul(trace, scale), traceFloor), -traceExponent), scale));
    });
  }

  eigh(values: Slot, vectors: Slot, status: Slot, how: Eigh): void {
    this.#slots.replace([values, vectors, status], () => eighTensors(this.#slots.read(vectors) as Tensor3D, how));
  }

  spectrumPower(values: Slot, { exponent, epsilon, rankDeficiency }: SpectrumPower): void {
    this.#write(values, [values], (l) => {
      const power = (x: Tensor) => pow(x, scalar(-exponent));
      if (rankDeficiency.type === 'pseudo-inverse') {
        const { relativeTolerance, absoluteTolerance } = rankDeficiency;
        const cutoff = maximum(mul(maximum(max(l, 1, true), 0), relativeTolerance), absoluteTolerance);
        return where(lessEqual(l, cutoff), zerosLike(l), power(l));
      }
      const least = min(l, 1, true);
      if (!rankDeficiency.before) return power(add(sub(l, minimum(least, 0)), epsilon));
      return power(where(greater(scalar(epsilon), least), add(sub(l, least), epsilon), l));
    });
  }

  scaleRows(matrix: Slot, factors: Slot): void {
    this.#write(matrix, [matrix, factors], (m, s) => mul(m, reshape(s, [...factors.shape, 1])));
  }

  mirror(matrix: Slot): void {
    this.#write(matrix, [matrix], (m) => {
      const lower = linalg.bandPart(m, -1, 0);
      return add(lower, transpose(sub(lower, linalg.bandPart(lower, 0, 0)), [0, 2, 1]));
    });
  }

  packLower(out: Slot, matrix: Slot): void {
    const [stack, n] = matrix.shape as [number, number];
    this.#write(out, [matrix], (m) => gather(reshape(m, [stack, n * n]), this.#indices.ofPacked(n), 1));
  }

  unpackLower(matrix: Slot, packed: Slot): void {
    const n = matrix.shape[1] as number;
    this.#write(matrix, [packed], (from) => gather(from, this.#indices.ofSquare(n), 1));
  }

  identity(matrix: Slot): void {
    const [stack, n] = matrix.shape as [number, number];
    this.#write(matrix, [], () => tile(reshape(eye(n), [1, n, n]), [stack, 1, 1]));
  }

  addDiagonal(matrix: Slot, { value }: { readonly value: number }): void {
    this.#write(matrix, [matrix], (m) => add(m, mul(eye(matrix.shape[1] as number), value)));
  }

  addScaledDiagonal(matrix: Slot, s: Slot, { relative, least }: { readonly relative: number; readonly least: number }): void {
    this.#write(matrix, [matrix, s], (m, scale) =>
      add(m, mul(eye(matrix.shape[1] as number), perMember(maximum(mul(scale, relative), least), matrix))),
    );
  }

  diagonal(out: Slot, matrix: Slot): void {
    this.#write(out, [matrix], (m) => sum(mul(m, eye(matrix.shape[1] as number)), 2));
  }

  trace(out: Slot, matrix: Slot): void {
    this.#write(out, [matrix], (m) => sum(mul(m, eye(matrix.shape[1] as number)), [1, 2]));
  }

  largestRowSum(out: Slot, matrix: Slot): void {
    this.#write(out, [matrix], (m) => max(sum(abs(m), 2), 1));
  }

  distanceFromIdentity(out: Slot, matrix: Slot): void {
    this.#write(out, [matrix], (m) => {
      const distance = abs(sub(m, eye(matrix.shape[1] as number)));
      // Backends differ in what the largest of NaN and a number is; a sum is NaN on all.
      return add(max(distance, [1, 2]), mul(sum(distance, [1, 2]), 0));
    });
  }

  offDiagonal(out: Slot, matrix: Slot, { cancelling }: { readonly cancelling: boolean }): void {
    this.#write(out, [matrix], (m) => {
      const unit = eye(matrix.shape[1] as number);
      // Entries below 1e-23 have no square in float32, and would all count as 0.
      const largest = max(abs(m), [1, 2], true);
      const squares = square(cancelling ? m : div(m, add(largest, cast(equal(largest, 0), 'float32'))));
      const all = sum(squares, [1, 2]);
      const diagonal = sum(mul(squares, unit), [1, 2]);
      const beside = cancelling ? sub(square(sqrt(all)), square(sqrt(diagonal))) : sum(mul(squares, sub(1, unit)), [1, 2]);
      return where(equal(all, 0), zerosLike(all), div(sqrt(beside), sqrt(all)));
    });
  }

  rowDots(out: Slot, a: Slot, b: Slot): void {
    this.#write(out, [a, b], (left, right) => sum(mul(left, right), 2));
  }

  orthonormalRows(matrix: Slot, status: Slot): void {
    this.#slots.replace([matrix, status], () => orthonormalTensors(this.#slots.read(matrix) as Tensor3D));
  }

  sortRows(values: Slot, matrix: Slot): void {
    this.#slots.replace([values, matrix], () => {
      const [l, m] = [this.#slots.read(values), this.#slots.read(matrix)];
      const [stack, n] = values.shape as [number, number];
      const order = ascending(l as Tensor2D);
      const rows = reshape(m, [stack * n, -1]);
      return [gather(reshape(l, [stack * n]), order), gather(rows, order)];
    });
  }

  polarFactor(out: Slot, x: Slot, nuclear: Slot): void {
    this.#slots.replace([out, nuclear], () => polarTensors(this.#slots.read(x) as Tensor3D));
  }

  threshold(flag: Slot, x: Slot, { limit, below, above, nan }: Threshold): void {
    this.#write(flag, [x], (from) =>
      where(
        lessEqual(from, limit),
        fill(flag.shape as [number, number], below),
        where(greater(from, limit), fill(flag.shape as [number, number], above), fill(flag.shape as [number, number], nan)),
      ),
    );
  }

  stalled(flag: Slot, now: Slot, before: Slot, { growth, level }: { readonly growth: number; readonly level: number }): void {
    this.#write(flag, [flag, now, before], (is, error, last) => {
      const grown = Number.isFinite(growth) ? greater(error, mul(last, growth)) : lessEqual(onesLike(error), 0);
      const stands = logicalAnd(greaterEqual(error, last), less(error, level));
      return where(logicalOr(grown, stands), onesLike(is), is);
    });
  }

  fill(x: Slot, { value }: { readonly value: number }): void {
    this.#write(x, [], () => fill([...x.shape] as [number], value));
  }

  scaleByPower(x: Slot, s: Slot, { factor, power, least }: ScaleByPower): void {
    this.#write(x, [x, s], (from, scale) => mul(from, perMember(mul(pow(maximum(scale, least), power), factor), x)));
  }

  sign(out: Slot, x: Slot): void {
    this.#write(out, [x], (from) => sign(from));
  }

  sumOfMagnitudes(out: Slot, x: Slot): void {
    this.#write(out, [x], (from) => sum(abs(reshape(from, [x.shape[0] as number, -1])), 1));
  }

  divideByPower(
    out: Slot,
    x: Slot,
    v: Slot,
    { correction, exponent, epsilon }: DivideByRoot & { readonly exponent: number },
  ): void {
    this.#write(out, [x, v], (from, squares) => div(from, add(pow(div(squares, correction), scalar(exponent)), epsilon)));
  }

  combine(y: Slot, x: Slot, { a, b }: { readonly a: number; readonly b: number }): void {
    this.#write(y, [x], (from) => (b === 0 ? mul(from, a) : add(mul(from, a), mul(this.#slots.read(y), b))));
  }

  lerp(out: Slot, a: Slot, b: Slot, { weight }: { readonly weight: number }): void {
    this.#write(out, [a, b], (start, end) =>
      weight < 0.5 ? add(start, mul(sub(end, start), weight)) : sub(end, mul(sub(end, start), 1 - weight)),
    );
  }

  addSquares(v: Slot, x: Slot, { decay, weight }: { readonly decay: number; readonly weight: number }): void {
    this.#write(v, [v, x], (squares, from) => add(mul(squares, decay), mul(square(from), weight)));
  }

  divideByRoot(out: Slot, x: Slot, v: Slot, how: DivideByRoot): void {
    this.#write(out, [x, v], (from, squares) => quotient(from, squares, how));
  }

  norm(norm: Slot, x: Slot): void {
    this.#write(norm, [x], (from) => memberNorm(from));
  }

  normOfQuotient(norm: Slot, x: Slot, v: Slot, how: DivideByRoot): void {
    this.#write(norm, [x, v], (from, squares) => memberNorm(quotient(from, squares, how)));
  }

  rescale(x: Slot, target: Slot, current: Slot): void {
    this.#write(x, [x, target, current], (from, wanted, is) => {
      const ratio = reshape(div(wanted, add(is, 1e-16)), [x.shape[0] as number, ...x.shape.slice(1).map(() => 1)]);
      return mul(from, ratio);
    });
  }

  /** `slot <- f(operands)`. */
  #write(slot: Slot, operands: readonly Slot[], f: (...tensors: [Tensor, Tensor, Tensor]) => Tensor): void {
    this.#slots.replace([slot], () => [f(...(operands.map((operand) => this.#slots.read(operand)) as [Tensor, Tensor, Tensor]))]);
  }

  /** The unfolding of a stack of blocks at a mode, `[stack, d, rest]`. */
  #unfold(x: Tensor, [stack, ...dims]: readonly number[], mode: number): Tensor {
    const { outer, d, inner } = modeStrides(dims, mode);
    if (outer === 1) return reshape(x, [stack as number, d, inner]);
    return reshape(transpose(reshape(x, [stack as number, outer, d, inner]), [0, 2, 1, 3]), [stack as number, d, outer * inner]);
  }

  /** Batched `[stack, m, k] [stack, k, n]`. */
  #product(a: Tensor, b: Tensor, { transposeA = false, transposeB = false }): Tensor {
    if (getBackend() !== 'wasm') return matMul(a as Tensor3D, b as Tensor3D, transposeA, transposeB);
    // The wasm backend has one fast kernel: a single product of matrices as they lie.
    const [left, right] = [transposeA ? transpose(a, [0, 2, 1]) : a, transposeB ? transpose(b, [0, 2, 1]) : b];
    if (left.shape[0] === 1) return matMul(left as Tensor3D, right as Tensor3D);
    return memberwise(left, right);
  }
}

/** Product by product, for backends whose batched kernel is slow. */
function memberwise(a: Tensor, b: Tensor): Tensor {
  const members = Array.from({ length: a.shape[0] as number }, (_, i) =>
    matMul(
      slice(a, [i, 0, 0], [1, a.shape[1] as number, a.shape[2] as number]) as Tensor3D,
      slice(b, [i, 0, 0], [1, b.shape[1] as number, b.shape[2] as number]) as Tensor3D,
    ),
  );
  return members.length === 1 ? (members[0] as Tensor) : concat(members, 0);
}

const quotient = (x: Tensor, v: Tensor, { correction, epsilon }: DivideByRoot): Tensor =>
  div(x, add(sqrt(div(v, correction)), epsilon));

/** Where the values of each row, smallest first, lie in all of them, `[stack n]`. */
function ascending(values: Tensor2D): Tensor1D {
  const [stack, n] = values.shape;
  if (getBackend() === 'wasm') return tensor1d(hostOrder(values.dataSync(), n), 'int32');
  const starts = range(0, stack * n, n, 'int32');
  return reshape(add(topk(neg(values), n, true).indices, reshape(starts, [stack, 1])), [stack * n]) as Tensor1D;
}

/** The wasm backend has no correct topk. */
const hostOrder = (values: ArrayLike<number>, n: number): number[] =>
  Array.from(values, (_, at) => at).sort(
    (i, j) => Math.floor(i / n) - Math.floor(j / n) || (values[i] as number) - (values[j] as number) || i - j,
  );

/** A number per member of a stack, to be broadcast over the members of a slot. */
const perMember = (s: Tensor, { shape }: Slot): Tensor => reshape(s, [-1, ...shape.slice(1).map(() => 1)]);

/** Norm of each member of a stack, `[stack, 1]`. */
function memberNorm(x: Tensor): Tensor {
  return reshape(sqrt(sum(square(reshape(x, [x.shape[0] as number, -1])), 1, true)), [x.shape[0] as number, 1]);
}
