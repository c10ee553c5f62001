import type { Board } from './board.ts';
import { FileBoard } from './file-board.ts';
import { MappedBoard } from './mapped-board.ts';
import type { BoardHandle } from './medium.ts';
import { loadNative, type Native } from './native.ts';
import { mapFile } from './view.ts';

/** A board, and how to let go of it. */
export interface OpenBoard {
  readonly board: Board;
  close(): void;
}

/** Opens in the progress thread the board that the main thread has, from what that thread posted. */
export async function openBoard(handle: BoardHandle, { rank, size }: { rank: number; size: number }): Promise<OpenBoard> {
  switch (handle.kind) {
    case 'overlay':
      return { board: new MappedBoard({ ...handle, native: await nativeOrThrow() }, { rank, size, thread: 1 }), close() {} };
    case 'view': {
      const native = await nativeOrThrow();
      const mapped = mapFile(native, handle.fd, handle.lengthBytes);
      return { board: new MappedBoard({ ...mapped, native }, { rank, size, thread: 1 }), close: mapped.unmap };
    }
    case 'file':
      return { board: new FileBoard(handle, { rank, size }), close() {} };
  }
}

async function nativeOrThrow(): Promise<Native> {
  const native = await loadNative();
  if (typeof native === 'string') throw new Error(native);
  return native;
}
