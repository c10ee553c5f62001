import type { Board } from './board.ts';
import type { Staging } from './staging.ts';

/**
 * How the ranks of a host share memory, best first. `overlay`: the shared file is mapped over the pages of a WebAssembly memory,
 * so kernels and callers work in it directly. `view`: it is mapped beside, and data are copied in and out. `file`: it is read and
 * written by calls, without native code.
 */
export type MemoryKind = 'overlay' | 'view' | 'file';

/** All kinds, best first. */
export const memoryKinds = ['overlay', 'view', 'file'] as const satisfies readonly MemoryKind[];

/** What another thread of the process needs to open the same board. It can be posted. */
export type BoardHandle =
  | { readonly kind: 'overlay'; readonly buffer: SharedArrayBuffer; readonly base: number }
  | { readonly kind: 'view'; readonly fd: number; readonly lengthBytes: number }
  | {
      readonly kind: 'file';
      readonly fd: number;
      readonly logFd: number;
      readonly lengthBytes: number;
      readonly alarm: Int32Array<SharedArrayBuffer>;
    };

/** The shared memory of a group, as one rank has it open. */
export interface Medium {
  readonly kind: MemoryKind;
  /** Where another process can open it, for as long as it has the name. */
  readonly path: string;
  readonly board: Board;
  readonly staging: Staging;
  readonly handle: BoardHandle;
  /** Nothing of it may be touched afterwards. */
  close(): void;
}
