import { stagingLayout } from './layout.ts';
import { MappedBoard } from './mapped-board.ts';
import type { Medium } from './medium.ts';
import type { Native } from './native.ts';
import type { SharedFile } from './shared-file.ts';
import { movedStaging } from './staging.ts';

/** A file mapped beside the WebAssembly memory. Each thread maps it for itself, since such a buffer cannot be posted. */
export interface MappedFile {
  readonly buffer: ArrayBuffer;
  readonly base: number;
  /** The buffer is dangling afterwards. */
  unmap(): void;
}

/** @throws where the system refuses the mapping. */
export function mapFile(native: Native, fd: number, lengthBytes: number): MappedFile {
  const base = native.map(fd, lengthBytes);
  return { buffer: native.view(base, lengthBytes), base, unmap: () => native.unmap(base, lengthBytes) };
}

/** Opens the staging region of a group by a view. */
export function openView(native: Native, { file, rank, size }: { file: SharedFile; rank: number; size: number }): Medium {
  const layout = stagingLayout(size);
  const mapped = mapFile(native, file.fd, layout.totalBytes);
  const bytes = new Uint8Array(mapped.buffer);
  const mover = {
    read: (at: number, into: Uint8Array) => into.set(bytes.subarray(at, at + into.length)),
    write: (at: number, from: Uint8Array) => bytes.set(from, at),
  };
  return {
    kind: 'view',
    path: file.path,
    board: new MappedBoard({ ...mapped, native }, { rank, size, thread: 0 }),
    staging: movedStaging(mover, { layout, rank, size }),
    handle: { kind: 'view', fd: file.fd, lengthBytes: layout.totalBytes },
    close() {
      mapped.unmap();
      file.close();
    },
  };
}
