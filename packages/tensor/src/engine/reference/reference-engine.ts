import { TensorError } from '../../errors.ts';
import { isStalled, threshold } from '../flow.ts';
import type {
  DivideByRoot,
  Eigh,
  FlatBuffer,
  Frame,
  MatrixEngine,
  ModeGram,
  ModeProduct,
  Packing,
  Place,
  ScaleByPower,
  ScaleFactor,
  Slot,
  Task,
  Threshold,
} from '../matrix-engine.ts';
import { distanceFromIdentity, largestRowSum, offDiagonal, rowDots, sortRows } from '../measures.ts';
import { type SpectrumPower, spectrumPower } from '../spectrum.ts';
import { elements, modeStrides } from '../strides.ts';
import { packedPlaces } from '../triangle.ts';
import { bfloat16At, nearestBfloat16, putBfloat16 } from './bfloat16.ts';
import { orthonormalRows } from './householder.ts';
import { jacobiEigh } from './jacobi.ts';
import { polarFactor } from './polar.ts';

interface ReferenceSlot extends Slot {
  numbers: Float64Array | Float32Array;
}

type Numbers = Float64Array<ArrayBufferLike> | Float32Array<ArrayBufferLike>;

/**
 * The oracle: every slot a float64 array, every formula a plain loop over the definition. Slow; for tests, and where no BLAS can be had.
 * Only the flat buffers are float32, because others share them, and triangles in bfloat16, whose numbers are halves of a float32.
 */
export class ReferenceEngine implements MatrixEngine {
  readonly name = 'reference';
  readonly lanes = 1;
  readonly machineEpsilon = Number.EPSILON;
  readonly arenaBytes = 0;
  readonly #overlays: { slot: ReferenceSlot; buffer: FlatBuffer; offset: number }[] = [];
  #open = false;
  /** The member that operations are for, within `repeat`. */
  #only: number | undefined;

  allocate(shape: readonly number[]): Slot {
    return { shape: Object.freeze([...shape]), numbers: new Float64Array(elements(shape)) } as ReferenceSlot;
  }

  overlay(buffer: FlatBuffer, offset: number, shape: readonly number[]): Slot {
    const slot: ReferenceSlot = { shape: Object.freeze([...shape]), numbers: new Float32Array(0) };
    this.#overlays.push({ slot, buffer, offset });
    return slot;
  }

  packs(): boolean {
    return true;
  }

  allocatePacked([stack, n]: readonly [number, number], { precision }: Packing): Slot {
    const shape = Object.freeze([stack, packedPlaces(n, precision)]);
    const numbers = precision === 'bfloat16' ? new Float32Array(elements(shape)) : new Float64Array(elements(shape));
    return { shape, numbers } as ReferenceSlot;
  }

  frame(): Frame {
    return { allocate: (shape) => this.allocate(shape), reserve: () => undefined };
  }

  open({ memory, flatOffsets }: Place): void {
    if (this.#open) throw new TensorError('bad-layout', 'ReferenceEngine.open: the engine is open, its layout is fixed.');
    this.#open = true;
    for (const { slot, buffer, offset } of this.#overlays) {
      slot.numbers = new Float32Array(memory.buffer, flatOffsets[buffer] + 4 * offset, elements(slot.shape));
    }
  }

  parallel(tasks: readonly Task[]): void {
    for (const task of tasks) task();
  }

  start(tasks: readonly Task[]): void {
    this.parallel(tasks);
  }

  finish(): void {}

  values(slot: Slot): Numbers {
    return (slot as ReferenceSlot).numbers;
  }

  modeGram(factor: Slot, x: Slot, { mode, decay, weight }: ModeGram): void {
    const { outer, d, inner } = modeStrides(x.shape.slice(1), mode);
    this.#eachMember([factor, x], (f, g) => {
      for (let i = 0; i < d; i++) {
        for (let j = 0; j <= i; j++) {
          let sum = 0;
          for (let o = 0; o < outer; o++) {
            for (let k = 0; k < inner; k++)
              sum += (g[(o * d + i) * inner + k] as number) * (g[(o * d + j) * inner + k] as number);
          }
          f[i * d + j] = (decay === 0 ? 0 : decay * (f[i * d + j] as number)) + weight * sum;
        }
      }
    });
  }

  modeProduct(out: Slot, x: Slot, matrix: Slot, { mode, transpose = false }: ModeProduct): void {
    const { outer, d, inner } = modeStrides(x.shape.slice(1), mode);
    const e = out.shape[mode + 1] ?? 1;
    this.#eachMember([out, x, matrix], (to, from, m) => {
      for (let o = 0; o < outer; o++) {
        for (let j = 0; j < e; j++) {
          for (let k = 0; k < inner; k++) {
            let sum = 0;
            for (let i = 0; i < d; i++)
              sum += (from[(o * d + i) * inner + k] as number) * (m[transpose ? j * d + i : i * e + j] as number);
            to[(o * e + j) * inner + k] = sum;
          }
        }
      }
    });
  }

  scaleFactor(out: Slot, factor: Slot, { scale, traceExponent, traceFloor }: ScaleFactor): void {
    const n = out.shape[1] as number;
    this.#eachMember([out, factor], (to, from) => {
      let trace = 0;
      for (let i = 0; i < n; i++) trace += from[i * (n + 1)] as number;
      const all = traceExponent === 0 ? scale : scale * Math.max(scale * trace, traceFloor) ** -traceExponent;
      for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) to[i * n + j] = all * (from[i * n + j] as number);
    });
  }

  eigh(values: Slot, vectors: Slot, status: Slot, { diagonal }: Eigh): void {
    const n = vectors.shape[1] as number;
    this.#eachMember([values, vectors, status], (l, v, failed) => {
      for (let i = 0; i < n; i++) v[i * (n + 1)] = (v[i * (n + 1)] as number) + diagonal;
      failed[0] = jacobiEigh(v as Float64Array, l as Float64Array) && l.every(Number.isFinite) ? 0 : 1;
    });
  }

  spectrumPower(values: Slot, how: SpectrumPower): void {
    this.#eachMember([values], (l) => spectrumPower(l, how));
  }

  scaleRows(matrix: Slot, factors: Slot): void {
    const columns = matrix.shape[2] as number;
    this.#eachMember([matrix, factors], (m, s) => {
      for (let i = 0; i < m.length; i++) m[i] = (m[i] as number) * (s[Math.floor(i / columns)] as number);
    });
  }

  mirror(matrix: Slot): void {
    const n = matrix.shape[1] as number;
    this.#eachMember([matrix], (m) => {
      for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) m[j * n + i] = m[i * n + j] as number;
    });
  }

  packLower(out: Slot, matrix: Slot, { precision }: Packing): void {
    this.#eachMember([out, matrix], (to, m) => {
      eachOfLower(matrix, (at, inSquare) => {
        const value = m[inSquare] as number;
        if (precision === 'bfloat16') putBfloat16(to, at, nearestBfloat16(value));
        else to[at] = value;
      });
    });
  }

  unpackLower(matrix: Slot, packed: Slot, { precision }: Packing): void {
    this.#eachMember([matrix, packed], (m, from) => {
      eachOfLower(matrix, (at, inSquare) => {
        m[inSquare] = precision === 'bfloat16' ? bfloat16At(from, at) : (from[at] as number);
      });
    });
  }

  identity(matrix: Slot): void {
    const n = matrix.shape[1] as number;
    this.#eachMember([matrix], (m) => {
      m.fill(0);
      for (let i = 0; i < n; i++) m[i * (n + 1)] = 1;
    });
  }

  addDiagonal(matrix: Slot, { value }: { readonly value: number }): void {
    const n = matrix.shape[1] as number;
    this.#eachMember([matrix], (m) => {
      for (let i = 0; i < n; i++) m[i * (n + 1)] = (m[i * (n + 1)] as number) + value;
    });
  }

  addScaledDiagonal(matrix: Slot, s: Slot, { relative, least }: { readonly relative: number; readonly least: number }): void {
    const n = matrix.shape[1] as number;
    this.#eachMember([matrix, s], (m, scale) => {
      const value = Math.max(relative * (scale[0] as number), least);
      for (let i = 0; i < n; i++) m[i * (n + 1)] = (m[i * (n + 1)] as number) + value;
    });
  }

  diagonal(out: Slot, matrix: Slot): void {
    const n = matrix.shape[1] as number;
    this.#eachMember([out, matrix], (to, m) => {
      for (let i = 0; i < n; i++) to[i] = m[i * (n + 1)] as number;
    });
  }

  trace(out: Slot, matrix: Slot): void {
    const n = matrix.shape[1] as number;
    this.#eachMember([out, matrix], (to, m) => {
      to[0] = 0;
      for (let i = 0; i < n; i++) to[0] += m[i * (n + 1)] as number;
    });
  }

  largestRowSum(out: Slot, matrix: Slot): void {
    this.#eachMember([out, matrix], (to, m) => {
      to[0] = largestRowSum(m, matrix.shape[2] as number);
    });
  }

  distanceFromIdentity(out: Slot, matrix: Slot): void {
    this.#eachMember([out, matrix], (to, m) => {
      to[0] = distanceFromIdentity(m, matrix.shape[2] as number);
    });
  }

  offDiagonal(out: Slot, matrix: Slot, { cancelling }: { readonly cancelling: boolean }): void {
    this.#eachMember([out, matrix], (to, m) => {
      to[0] = offDiagonal(m, matrix.shape[2] as number, { cancelling, round: (x) => x });
    });
  }

  rowDots(out: Slot, a: Slot, b: Slot): void {
    this.#eachMember([out, a, b], (to, left, right) => rowDots(to, left, right));
  }

  orthonormalRows(matrix: Slot, status: Slot): void {
    this.#eachMember([matrix, status], (m, failed) => {
      failed[0] = orthonormalRows(m, matrix.shape[1] as number) ? 0 : 1;
    });
  }

  sortRows(values: Slot, matrix: Slot): void {
    this.#eachMember([values, matrix], (l, m) => sortRows(l, m));
  }

  polarFactor(out: Slot, x: Slot, nuclear: Slot): void {
    this.#eachMember([out, x, nuclear], (to, from, sum) => {
      sum[0] = polarFactor(to, from, x.shape[1] as number);
    });
  }

  repeat(stop: Slot, { max }: { readonly max: number }, body: () => void): void {
    const outer = this.#only;
    const { numbers } = stop as ReferenceSlot;
    for (let member = 0; member < (stop.shape[0] as number); member++) {
      if (outer !== undefined && outer !== member) continue;
      this.#only = member;
      for (let round = 0; round < max && numbers[member] === 0; round++) body();
    }
    this.#only = outer;
  }

  threshold(flag: Slot, x: Slot, how: Threshold): void {
    this.#eachMember([flag, x], (to, from) => {
      to[0] = threshold(from[0] as number, how);
    });
  }

  stalled(flag: Slot, now: Slot, before: Slot, how: { readonly growth: number; readonly level: number }): void {
    this.#eachMember([flag, now, before], (to, error, last) => {
      if (isStalled(error[0] as number, last[0] as number, how)) to[0] = 1;
    });
  }

  combine(y: Slot, x: Slot, { a, b }: { readonly a: number; readonly b: number }): void {
    this.#eachElement([y, x], (to, from, i) => {
      to[i] = a * (from[i] as number) + (b === 0 ? 0 : b * (to[i] as number));
    });
  }

  lerp(out: Slot, a: Slot, b: Slot, { weight }: { readonly weight: number }): void {
    this.#eachElement([out, a, b], (to, start, i, end) => {
      const [s, e] = [start[i] as number, (end as Numbers)[i] as number];
      to[i] = weight < 0.5 ? s + weight * (e - s) : e - (e - s) * (1 - weight);
    });
  }

  fill(x: Slot, { value }: { readonly value: number }): void {
    this.#eachMember([x], (to) => to.fill(value));
  }

  scaleByPower(x: Slot, s: Slot, { factor, power, least }: ScaleByPower): void {
    this.#eachMember([x, s], (to, scale) => {
      const ratio = factor * Math.max(scale[0] as number, least) ** power;
      for (let i = 0; i < to.length; i++) to[i] = (to[i] as number) * ratio;
    });
  }

  sign(out: Slot, x: Slot): void {
    this.#eachElement([out, x], (to, from, i) => {
      to[i] = Math.sign(from[i] as number);
    });
  }

  sumOfMagnitudes(out: Slot, x: Slot): void {
    this.#eachMember([out, x], (to, from) => {
      to[0] = 0;
      for (const value of from) to[0] += Math.abs(value);
    });
  }

  divideByPower(
    out: Slot,
    x: Slot,
    v: Slot,
    { correction, exponent, epsilon }: DivideByRoot & { readonly exponent: number },
  ): void {
    this.#eachElement([out, x, v], (to, from, i, squares) => {
      to[i] = (from[i] as number) / ((((squares as Numbers)[i] as number) / correction) ** exponent + epsilon);
    });
  }

  addSquares(v: Slot, x: Slot, { decay, weight }: { readonly decay: number; readonly weight: number }): void {
    this.#eachElement([v, x], (to, from, i) => {
      to[i] = decay * (to[i] as number) + weight * (from[i] as number) ** 2;
    });
  }

  divideByRoot(out: Slot, x: Slot, v: Slot, { correction, epsilon }: DivideByRoot): void {
    this.#eachElement([out, x, v], (to, from, i, squares) => {
      to[i] = (from[i] as number) / (Math.sqrt(((squares as Numbers)[i] as number) / correction) + epsilon);
    });
  }

  norm(norm: Slot, x: Slot): void {
    this.#eachMember([norm, x], (to, from) => {
      let sum = 0;
      for (const value of from) sum += value * value;
      to[0] = Math.sqrt(sum);
    });
  }

  normOfQuotient(norm: Slot, x: Slot, v: Slot, { correction, epsilon }: DivideByRoot): void {
    this.#eachMember([norm, x, v], (to, from, squares) => {
      let sum = 0;
      for (let i = 0; i < from.length; i++)
        sum += ((from[i] as number) / (Math.sqrt((squares[i] as number) / correction) + epsilon)) ** 2;
      to[0] = Math.sqrt(sum);
    });
  }

  rescale(x: Slot, target: Slot, current: Slot): void {
    this.#eachMember([x, target, current], (to, wanted, is) => {
      const ratio = (wanted[0] as number) / ((is[0] as number) + 1e-16);
      for (let i = 0; i < to.length; i++) to[i] = (to[i] as number) * ratio;
    });
  }

  dispose(): void {}

  /** Calls once per member of the stack, with that member's numbers of each slot. */
  #eachMember(slots: readonly Slot[], run: (...members: [Numbers, Numbers, Numbers]) => void): void {
    if (!this.#open) throw new TensorError('bad-layout', 'ReferenceEngine: open() comes before the first operation.');
    const stack = slots[0]?.shape[0] as number;
    for (let member = 0; member < stack; member++) {
      if (this.#only !== undefined && this.#only !== member) continue;
      const members = slots.map((slot) => {
        const { numbers } = slot as ReferenceSlot;
        const length = numbers.length / stack;
        return numbers.subarray(member * length, (member + 1) * length);
      });
      run(...(members as [Numbers, Numbers, Numbers]));
    }
  }

  #eachElement(slots: readonly Slot[], run: (to: Numbers, from: Numbers, i: number, second?: Numbers) => void): void {
    this.#eachMember(slots, (to, from, second) => {
      for (let i = 0; i < to.length; i++) run(to, from, i, second);
    });
  }
}

/** Calls with the place of each number of a lower triangle, row after row: packed, and in the square. */
function eachOfLower({ shape }: Slot, visit: (packed: number, inSquare: number) => void): void {
  const n = shape[1] as number;
  for (let i = 0, packed = 0; i < n; i++) for (let j = 0; j <= i; j++, packed++) visit(packed, i * n + j);
}
