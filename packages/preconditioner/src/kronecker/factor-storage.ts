import type { Frame, MatrixEngine, Packing, Slot } from '@distributed-shampoo/tensor';
import { PreconditionerError } from '../errors.ts';

/**
 * How a factor of order n is kept between steps. In bytes:
 *
 *     square     4 n^2             updated where it lies, its upper triangle unused
 *     packed     2 n (n + 1)       the lower triangle, row after row; the same values
 *     bfloat16     n (n + 1)       the same in 8 bits, rounded anew at every step: a gradient's share below 2^-9 of an entry is lost
 *
 * The latter two are copied to a square in scratch and back at every step, of their own size and 2 n (n + 1) bytes each way.
 */
export const factorStorages = ['square', 'packed', 'bfloat16'] as const;

/** The name of a storage, as options have it. */
export type FactorStorageName = (typeof factorStorages)[number];

/** A factor of one dimension, `[stack, n, n]`, of which the lower triangle counts, wherever it lies. */
export interface Factor {
  readonly stack: number;
  readonly order: number;
  /** What is kept, as a checkpoint holds it. */
  readonly slot: Slot;
  /** Issues `change` on a square that holds the factor, and keeps the result. Within the block's task. */
  update(change: (square: Slot) => void): void;
  /** @returns a square that holds the factor: its own, which is only to be read, or `scratch`, `[stack, n, n]`, written. */
  read(scratch: Slot): Slot;
}

/** Lays out factors of a block, with scratch of the block's frame: first by block, then by order. Before the engine opens. */
export type Storage = (frame: Frame, stack: number) => (order: number) => Factor;

/** What is packed, and how; null for a square. */
const packings: Readonly<Record<FactorStorageName, Packing | null>> = {
  square: null,
  packed: { precision: 'float32' },
  bfloat16: { precision: 'bfloat16' },
};

/**
 * @returns the storage of that name on an engine.
 * @throws {PreconditionerError} `bad-option` where the engine has no such numbers.
 */
export function factorStorage(engine: MatrixEngine, name: FactorStorageName): Storage {
  const how = packings[name];
  if (how === null) return square(engine);
  if (engine.packs(how.precision)) return packed(engine, how);
  throw new PreconditionerError(
    'bad-option',
    `factorStorage: is "${name}", and the ${engine.name} engine has no numbers of ${how.precision}. Take "packed", or the blas engine.`,
    { path: ['factorStorage'] },
  );
}

const square =
  (engine: MatrixEngine): Storage =>
  (_frame, stack) =>
  (order) => {
    const slot = engine.allocate([stack, order, order]);
    return { stack, order, slot, update: (change) => change(slot), read: () => slot };
  };

const packed =
  (engine: MatrixEngine, how: Packing): Storage =>
  (frame, stack) => {
    // Factors of a block are updated one after the other: those of one order share their square.
    const squares = new Map<number, Slot>();
    return (order) => {
      const slot = engine.allocatePacked([stack, order], how);
      const between = squares.get(order) ?? frame.allocate([stack, order, order]);
      squares.set(order, between);
      return {
        stack,
        order,
        slot,
        update(change) {
          engine.unpackLower(between, slot, how);
          change(between);
          engine.packLower(slot, between, how);
        },
        read(scratch) {
          engine.unpackLower(scratch, slot, how);
          return scratch;
        },
      };
    };
  };
