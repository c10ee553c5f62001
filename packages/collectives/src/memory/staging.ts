import { type Kernels, kernelsOver, type Reduction, SCRATCH_BYTES } from '../kernels/kernels.ts';
import { PAGE, roundUp, type StagingLayout } from './layout.ts';

/** Where in a slot: the running number of the block, and the byte within it. */
export interface SlotPlace {
  readonly block: number;
  readonly at: number;
}

/** The slots through which private arrays pass from rank to rank, block by block. */
export interface Staging {
  readonly blockBytes: number;
  readonly simd: boolean;
  /** Copies bytes into a slot of this rank. */
  deposit(place: SlotPlace, bytes: Uint8Array): void;
  /** Own slot <- slot of rank 0 op slot of rank 1 ..., over a range of the block. */
  reduce(place: SlotPlace, what: Reduction): void;
  /** Copies bytes out of a slot of `rank`. */
  collect(place: SlotPlace & { readonly rank: number }, into: Uint8Array): void;
}

/** Slots in memory that the kernels reach: they add in place. */
export function mappedStaging(
  memory: WebAssembly.Memory,
  { layout, rank, size }: { layout: StagingLayout; rank: number; size: number },
): Staging {
  const kernels = kernelsOver(memory, { size, scratch: layout.totalBytes });
  const bytes = new Uint8Array(memory.buffer);
  return {
    blockBytes: layout.blockBytes,
    simd: kernels.simd,
    deposit: ({ block, at }, from) => bytes.set(from, layout.slot(rank, block) + at),
    reduce({ block, at }, what) {
      const inputs = Array.from({ length: size }, (_, r) => layout.slot(r, block) + at);
      kernels.reduceToOne(inputs[rank]!, inputs, what);
    },
    collect({ rank: from, block, at }, into) {
      const start = layout.slot(from, block) + at;
      into.set(bytes.subarray(start, start + into.length));
    },
  };
}

/** Memory that the kernels do not reach, but that can be read and written. */
export interface Mover {
  read(at: number, into: Uint8Array): void;
  write(at: number, from: Uint8Array): void;
}

/** What the workspace holds of each rank's slot at once: small enough for the second level cache. */
const PIECE_BYTES = PAGE;

/** Slots behind a mover: inputs are brought into a workspace of this process, added there by the same kernels, and taken back. */
export function movedStaging(
  mover: Mover,
  { layout, rank, size }: { layout: StagingLayout; rank: number; size: number },
): Staging {
  const scratch = size * PIECE_BYTES;
  const pages = roundUp(scratch + SCRATCH_BYTES, PAGE) / PAGE;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const kernels: Kernels = kernelsOver(memory, { size, scratch });
  const inputs = Array.from({ length: size }, (_, r) => r * PIECE_BYTES);
  return {
    blockBytes: layout.blockBytes,
    simd: kernels.simd,
    deposit: ({ block, at }, from) => mover.write(layout.slot(rank, block) + at, from),
    reduce({ block, at }, what) {
      for (let done = 0; done < what.lengthBytes; done += PIECE_BYTES) {
        const lengthBytes = Math.min(PIECE_BYTES, what.lengthBytes - done);
        const piece = (r: number) => new Uint8Array(memory.buffer, inputs[r]!, lengthBytes);
        for (let r = 0; r < size; r++) mover.read(layout.slot(r, block) + at + done, piece(r));
        kernels.reduceToOne(inputs[rank]!, inputs, { ...what, lengthBytes });
        mover.write(layout.slot(rank, block) + at + done, piece(rank));
      }
    },
    collect: ({ rank: from, block, at }, into) => mover.read(layout.slot(from, block) + at, into),
  };
}
