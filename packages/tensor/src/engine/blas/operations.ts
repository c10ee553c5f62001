import { isStalled, threshold } from '../flow.ts';
import { distanceFromIdentity, largestRowSum, offDiagonal, rowDots, sortRows } from '../measures.ts';
import { spectrumPower } from '../spectrum.ts';
import { eigh } from './eigh.ts';
import type { Machine } from './machine.ts';
import { addDiagonal, diagonal, identity, mirror, modeGram, modeProduct, scaleFactor, scaleRows, trace } from './matrices.ts';
import { orthonormalRows } from './orthonormal-rows.ts';
import { packBfloat16, packFloat32, unpackBfloat16, unpackFloat32 } from './packing.ts';
import { polarFactor } from './polar-factor.ts';

/** An operation on one member of a stack: numbers only, so that it can lie in the queue. Slots are byte offsets. */
export type Operation = (machine: Machine, p: Float64Array, i: number) => void;

const at = (p: Float64Array, i: number) => p[i] as number;

/** The elements of a slot that begin at a byte offset. */
const view = ({ float32 }: Machine, offset: number, length: number) => float32.subarray(offset / 4, offset / 4 + length);

/** What is under the root of a norm, in float64: `[norm, x, length]` and `[norm, x, v, length, correction, epsilon]`. */
export const sums = {
  norm: (m: Machine, p: Float64Array, i: number) => m.kernels.sumOfSquares(at(p, i + 1), at(p, i + 2)),
  normOfQuotient: (m: Machine, p: Float64Array, i: number) =>
    m.kernels.sumOfSquaredQuotients(at(p, i + 1), at(p, i + 2), at(p, i + 3), at(p, i + 4), at(p, i + 5)),
};

/**
 * What a lane can do, by name: how many slots come first, how many numbers follow, and the operation on `p[i], p[i + 1], ...`. The order
 * of parameters here is the order in which `blas-engine.ts` issues them.
 */
export const operations = {
  modeGram: [
    2,
    5,
    (m, p, i) =>
      modeGram(
        m,
        at(p, i),
        at(p, i + 1),
        { outer: at(p, i + 2), d: at(p, i + 3), inner: at(p, i + 4) },
        at(p, i + 5),
        at(p, i + 6),
      ),
  ],
  modeProduct: [
    3,
    5,
    (m, p, i) =>
      modeProduct(
        m,
        at(p, i),
        at(p, i + 1),
        at(p, i + 2),
        { outer: at(p, i + 3), d: at(p, i + 4), inner: at(p, i + 5) },
        at(p, i + 6),
        at(p, i + 7) === 1,
      ),
  ],
  scaleFactor: [
    2,
    4,
    (m, p, i) => scaleFactor(m, at(p, i), at(p, i + 1), at(p, i + 2), at(p, i + 3), at(p, i + 4), at(p, i + 5)),
  ],
  eigh: [3, 3, (m, p, i) => eigh(m, at(p, i), at(p, i + 1), at(p, i + 2), at(p, i + 3), at(p, i + 4), at(p, i + 5) === 1)],
  /** values, n, exponent, epsilon, kind (0 before, 1 after, 2 pseudo-inverse), relative tolerance, absolute tolerance */
  spectrumPower: [
    1,
    6,
    (m, p, i) => {
      const kind = at(p, i + 4);
      const values = m.float32.subarray(at(p, i) / 4, at(p, i) / 4 + at(p, i + 1));
      spectrumPower(values, {
        exponent: at(p, i + 2),
        epsilon: at(p, i + 3),
        rankDeficiency:
          kind === 2
            ? { type: 'pseudo-inverse', relativeTolerance: at(p, i + 5), absoluteTolerance: at(p, i + 6) }
            : { type: 'perturbation', before: kind === 0 },
      });
    },
  ],
  scaleRows: [2, 2, (m, p, i) => scaleRows(m, at(p, i), at(p, i + 1), at(p, i + 2), at(p, i + 3))],
  mirror: [1, 1, (m, p, i) => mirror(m, at(p, i), at(p, i + 1))],
  /** out, matrix, n; matrix, packed, n */
  packFloat32: [2, 1, (m, p, i) => packFloat32(m, at(p, i), at(p, i + 1), at(p, i + 2))],
  packBfloat16: [2, 1, (m, p, i) => packBfloat16(m, at(p, i), at(p, i + 1), at(p, i + 2))],
  unpackFloat32: [2, 1, (m, p, i) => unpackFloat32(m, at(p, i), at(p, i + 1), at(p, i + 2))],
  unpackBfloat16: [2, 1, (m, p, i) => unpackBfloat16(m, at(p, i), at(p, i + 1), at(p, i + 2))],
  identity: [1, 1, (m, p, i) => identity(m, at(p, i), at(p, i + 1))],
  addDiagonal: [1, 2, (m, p, i) => addDiagonal(m, at(p, i), at(p, i + 1), at(p, i + 2))],
  /** matrix, s, n, relative, least */
  addScaledDiagonal: [
    2,
    3,
    (m, p, i) => {
      const s = m.float32[at(p, i + 1) / 4] as number;
      addDiagonal(m, at(p, i), at(p, i + 2), Math.max(at(p, i + 3) * s, at(p, i + 4)));
    },
  ],
  diagonal: [2, 1, (m, p, i) => diagonal(m, at(p, i), at(p, i + 1), at(p, i + 2))],
  trace: [2, 1, (m, p, i) => trace(m, at(p, i), at(p, i + 1), at(p, i + 2))],
  /** out, matrix, n: these three alike */
  largestRowSum: [
    2,
    1,
    (m, p, i) => {
      m.float32[at(p, i) / 4] = largestRowSum(view(m, at(p, i + 1), at(p, i + 2) ** 2), at(p, i + 2));
    },
  ],
  distanceFromIdentity: [
    2,
    1,
    (m, p, i) => {
      m.float32[at(p, i) / 4] = distanceFromIdentity(view(m, at(p, i + 1), at(p, i + 2) ** 2), at(p, i + 2));
    },
  ],
  offDiagonal: [
    2,
    2,
    (m, p, i) => {
      const how = { cancelling: at(p, i + 3) === 1, round: Math.fround };
      m.float32[at(p, i) / 4] = offDiagonal(view(m, at(p, i + 1), at(p, i + 2) ** 2), at(p, i + 2), how);
    },
  ],
  /** out, a, b, rows, columns */
  rowDots: [
    3,
    2,
    (m, p, i) => {
      const size = at(p, i + 3) * at(p, i + 4);
      rowDots(view(m, at(p, i), at(p, i + 3)), view(m, at(p, i + 1), size), view(m, at(p, i + 2), size));
    },
  ],
  orthonormalRows: [2, 1, (m, p, i) => orthonormalRows(m, at(p, i), at(p, i + 1), at(p, i + 2))],
  /** values, matrix, rows, columns */
  sortRows: [2, 2, (m, p, i) => sortRows(view(m, at(p, i), at(p, i + 2)), view(m, at(p, i + 1), at(p, i + 2) * at(p, i + 3)))],
  polarFactor: [3, 2, (m, p, i) => polarFactor(m, at(p, i), at(p, i + 1), at(p, i + 2), at(p, i + 3), at(p, i + 4))],
  /** flag, x, limit, below, above, nan */
  threshold: [
    2,
    4,
    (m, p, i) => {
      const how = { limit: at(p, i + 2), below: at(p, i + 3), above: at(p, i + 4), nan: at(p, i + 5) };
      m.float32[at(p, i) / 4] = threshold(m.float32[at(p, i + 1) / 4] as number, how);
    },
  ],
  /** flag, now, before, growth, level */
  stalled: [
    3,
    2,
    (m, p, i) => {
      const [now, before] = [m.float32[at(p, i + 1) / 4] as number, m.float32[at(p, i + 2) / 4] as number];
      if (isStalled(now, before, { growth: at(p, i + 3), level: at(p, i + 4) })) m.float32[at(p, i) / 4] = 1;
    },
  ],
  /** x, length, value */
  fill: [
    1,
    2,
    (m, p, i) => {
      view(m, at(p, i), at(p, i + 1)).fill(at(p, i + 2));
    },
  ],
  /** x, s, length, factor, power, least */
  scaleByPower: [
    2,
    4,
    (m, p, i) => {
      const s = m.float32[at(p, i + 1) / 4] as number;
      m.kernels.scale(at(p, i), at(p, i), at(p, i + 2), at(p, i + 3) * Math.max(s, at(p, i + 5)) ** at(p, i + 4));
    },
  ],
  /** out, x, length */
  sign: [
    2,
    1,
    (m, p, i) => {
      const [out, x] = [view(m, at(p, i), at(p, i + 2)), view(m, at(p, i + 1), at(p, i + 2))];
      for (let element = 0; element < out.length; element++) out[element] = Math.sign(x[element] as number);
    },
  ],
  /** out, x, length */
  sumOfMagnitudes: [
    2,
    1,
    (m, p, i) => {
      let sum = 0;
      for (const value of view(m, at(p, i + 1), at(p, i + 2))) sum += Math.abs(value);
      m.float32[at(p, i) / 4] = sum;
    },
  ],
  /** out, x, v, length, correction, exponent, epsilon */
  divideByPower: [
    3,
    4,
    (m, p, i) => {
      const [out, x, v] = [0, 1, 2].map((slot) => view(m, at(p, i + slot), at(p, i + 3))) as [
        Float32Array,
        Float32Array,
        Float32Array,
      ];
      const [correction, exponent, epsilon] = [at(p, i + 4), at(p, i + 5), at(p, i + 6)];
      for (let element = 0; element < out.length; element++)
        out[element] = (x[element] as number) / (((v[element] as number) / correction) ** exponent + epsilon);
    },
  ],
  /** y, x, length, a, b */
  combine: [
    2,
    3,
    (m, p, i) => {
      if (at(p, i + 4) === 0) m.kernels.scale(at(p, i), at(p, i + 1), at(p, i + 2), at(p, i + 3));
      else m.kernels.combine(at(p, i), at(p, i + 1), at(p, i + 2), at(p, i + 3), at(p, i + 4));
    },
  ],
  /** out, a, b, length, weight */
  lerp: [
    3,
    2,
    (m, p, i) => {
      const weight = at(p, i + 4);
      if (weight < 0.5) m.kernels.lerpFromStart(at(p, i), at(p, i + 1), at(p, i + 2), at(p, i + 3), weight);
      else m.kernels.lerpFromEnd(at(p, i), at(p, i + 1), at(p, i + 2), at(p, i + 3), 1 - weight);
    },
  ],
  addSquares: [2, 3, (m, p, i) => m.kernels.addSquares(at(p, i), at(p, i + 1), at(p, i + 2), at(p, i + 3), at(p, i + 4))],
  divideByRoot: [
    3,
    3,
    (m, p, i) => m.kernels.divideByRoot(at(p, i), at(p, i + 1), at(p, i + 2), at(p, i + 3), at(p, i + 4), at(p, i + 5)),
  ],
  norm: [
    2,
    1,
    (m, p, i) => {
      m.float32[at(p, i) / 4] = Math.sqrt(sums.norm(m, p, i));
    },
  ],
  normOfQuotient: [
    3,
    3,
    (m, p, i) => {
      m.float32[at(p, i) / 4] = Math.sqrt(sums.normOfQuotient(m, p, i));
    },
  ],
  /** x, target, current, length */
  rescale: [
    3,
    1,
    (m, p, i) => {
      const ratio = (m.float32[at(p, i + 1) / 4] as number) / ((m.float32[at(p, i + 2) / 4] as number) + 1e-16);
      m.kernels.scale(at(p, i), at(p, i), at(p, i + 3), ratio);
    },
  ],
} as const satisfies Record<string, readonly [slots: number, numbers: number, run: Operation]>;

export type OperationName = keyof typeof operations;

/** What a lane can do, by the number that stands for it in the queue. */
export const operationTable: readonly (readonly [slots: number, numbers: number, run: Operation])[] = Object.values(operations);

const codes = new Map(Object.keys(operations).map((name, code) => [name, code]));

/** @returns the number that stands for an operation in the queue. */
export const operationCode = (name: OperationName): number => codes.get(name) as number;

/** @throws RangeError where no operation begins: a defect of whoever wrote the queue. */
export function operationAt(p: Float64Array, i: number): (typeof operationTable)[number] {
  const operation = operationTable[p[i] as number];
  if (operation === undefined) throw new RangeError(`lane: ${p[i]} is no operation`);
  return operation;
}

/** @returns where the command after the one at `i` begins. */
export function next(p: Float64Array, i: number): number {
  const [slots, numbers] = operationAt(p, i);
  return i + 1 + slots + numbers;
}
