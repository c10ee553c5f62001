import type { Frame, MatrixEngine, Slot } from '@distributed-shampoo/tensor';
import { type GraftingMethod, withoutRoots } from '../preconditioner.ts';

/** Scratch of a block: what the method itself needs, and a direction whose norm is asked for. */
interface Scratch<Own> {
  readonly own: Own;
  readonly direction: Slot;
}

/** A method whose direction follows from the filtered gradient alone. */
export interface Direction<Own> {
  /** Lays out scratch for a block of this shape. */
  scratch(shape: readonly number[], frame: Frame): Own;
  /** Writes the direction of a filtered gradient. */
  write(own: Own, direction: Slot, filtered: Slot): void;
}

/** Makes a method of a direction: nothing to observe or to keep; its norm is that of the direction, written to scratch. */
export const stateless = <Own>(engine: MatrixEngine, { scratch, write }: Direction<Own>): GraftingMethod<Scratch<Own>> => ({
  ...withoutRoots,
  initial: (shape, frame) => ({ own: scratch(shape, frame), direction: frame.allocate(shape) }),
  slots: () => ({}),
  observe: () => undefined,
  apply: ({ own }, direction, filtered) => write(own, direction, filtered),
  norm({ own, direction }, norm, filtered) {
    write(own, direction, filtered);
    engine.norm(norm, direction);
  },
});
