import {
  add,
  concat,
  div,
  eye,
  getBackend,
  greater,
  lessEqual,
  linalg,
  matMul,
  max,
  maximum,
  min,
  minimum,
  mul,
  pow,
  reshape,
  scalar,
  slice,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor3D,
  transpose,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core';
import type { DivideByRoot, Eigh, ModeGram, ModeProduct, ScaleFactor, Slot } from '../matrix-engine.ts';
import type { SpectrumPower } from '../spectrum.ts';
import { modeStrides } from '../strides.ts';
import { eighTensors } from './eigh.ts';
import type { Operations } from './equal-tasks.ts';
import type { TensorSlots } from './tensor-slots.ts';

/** The matrix operations on tensors: one batched operation, or a few, for a stack of any size. */
export class TensorOperations implements Operations {
  readonly #slots: TensorSlots;

  constructor(slots: TensorSlots) {
    this.#slots = slots;
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

/** Norm of each member of a stack, `[stack, 1]`. */
function memberNorm(x: Tensor): Tensor {
  return reshape(sqrt(sum(square(reshape(x, [x.shape[0] as number, -1])), 1, true)), [x.shape[0] as number, 1]);
}
