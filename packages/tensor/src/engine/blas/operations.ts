import { spectrumPower } from '../spectrum.ts';
import { eigh } from './eigh.ts';
import type { Machine } from './machine.ts';
import { mirror, modeGram, modeProduct, scaleFactor, scaleRows } from './matrices.ts';

/** An operation on one member of a stack: numbers only, so that it can lie in the queue. Slots are byte offsets. */
type Operation = (machine: Machine, p: Float64Array, i: number) => void;

const at = (p: Float64Array, i: number) => p[i] as number;

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
      m.float32[at(p, i) / 4] = Math.sqrt(m.kernels.sumOfSquares(at(p, i + 1), at(p, i + 2)));
    },
  ],
  normOfQuotient: [
    3,
    3,
    (m, p, i) => {
      m.float32[at(p, i) / 4] = Math.sqrt(
        m.kernels.sumOfSquaredQuotients(at(p, i + 1), at(p, i + 2), at(p, i + 3), at(p, i + 4), at(p, i + 5)),
      );
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

const table = Object.values(operations);
const codes = new Map(Object.keys(operations).map((name, code) => [name, code]));

/** @returns the number that stands for an operation in the queue. */
export const operationCode = (name: OperationName): number => codes.get(name) as number;

/** How the queue writes a byte offset that counts from the lane's own frame: as a negative number. */
export const frameOffset = (offset: number): number => -1 - offset;

/** Runs the commands `[code, slots..., numbers...]` that lie in `p` from `from` to `to`. */
export function execute(machine: Machine, p: Float64Array, from: number, to: number): void {
  for (let i = from; i < to; ) {
    const operation = table[p[i] as number];
    if (operation === undefined) throw new RangeError(`lane: ${p[i]} is no operation`);
    const [slots, numbers, run] = operation;
    for (let slot = i + 1; slot <= i + slots; slot++) {
      const offset = p[slot] as number;
      if (offset < 0) p[slot] = machine.frame - 1 - offset;
    }
    run(machine, p, i + 1);
    i += 1 + slots + numbers;
  }
}
