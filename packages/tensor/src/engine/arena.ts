import type { FlatBuffer, Frame, Slot, Workspace } from './matrix-engine.ts';
import { elements } from './strides.ts';

/** Where a slot lies once its engine is open. `kind` says what the offset, in bytes, counts from. */
export interface ArenaSlot extends Slot {
  readonly kind: 'arena' | 'frame' | FlatBuffer;
  readonly offset: number;
  /** Elements of the whole stack, and of one member. */
  readonly length: number;
  readonly memberLength: number;
}

/** Slots start at multiples of a cache line, so that lanes don't share one and vectors don't straddle two. */
export const ALIGNMENT = 64;

/** @returns the least multiple of 64 that is not below `bytes`. */
export const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** Lays slots out one after the other: pure arithmetic on offsets, no memory. */
export class ArenaLayout {
  #arenaBytes = 0;
  #frameBytes = 0;
  #workspaceBytes = 0;
  readonly #workspaceOf: (work: Workspace) => number;

  /** @param workspaceOf bytes that a decomposition needs besides its operands. */
  constructor(workspaceOf: (work: Workspace) => number) {
    this.#workspaceOf = workspaceOf;
  }

  /** Bytes of all slots that live across tasks. */
  get arenaBytes(): number {
    return this.#arenaBytes;
  }

  /** Bytes of the largest frame. */
  get frameBytes(): number {
    return this.#frameBytes;
  }

  /** Bytes of the largest workspace. */
  get workspaceBytes(): number {
    return aligned(this.#workspaceBytes);
  }

  allocate(shape: readonly number[]): ArenaSlot {
    const slot = arenaSlot('arena', this.#arenaBytes, shape);
    this.#arenaBytes = aligned(slot.offset + 4 * slot.length);
    return slot;
  }

  overlay(buffer: FlatBuffer, offset: number, shape: readonly number[]): ArenaSlot {
    return arenaSlot(buffer, 4 * offset, shape);
  }

  frame(): Frame {
    let bytes = 0;
    return {
      allocate: (shape) => {
        const slot = arenaSlot('frame', bytes, shape);
        bytes = aligned(slot.offset + 4 * slot.length);
        this.#frameBytes = Math.max(this.#frameBytes, bytes);
        return slot;
      },
      reserve: (work) => {
        this.#workspaceBytes = Math.max(this.#workspaceBytes, this.#workspaceOf(work));
      },
    };
  }
}

function arenaSlot(kind: ArenaSlot['kind'], offset: number, shape: readonly number[]): ArenaSlot {
  return Object.freeze({
    kind,
    offset,
    shape: Object.freeze([...shape]),
    length: elements(shape),
    memberLength: elements(shape.slice(1)),
  });
}
