import { PAGE, stagingLayout } from './layout.ts';
import { MappedBoard } from './mapped-board.ts';
import type { Medium } from './medium.ts';
import type { Native } from './native.ts';
import type { SharedFile } from './shared-file.ts';
import { mappedStaging } from './staging.ts';

/**
 * A shared WebAssembly memory whose first bytes are those of a file: the file's pages are mapped over the memory's own. JavaScript,
 * WebAssembly, native code and the other processes then see the same bytes, and the memory can be posted to threads. V8 does not
 * document this, so `self-test.ts` checks it before it is used.
 *
 * @returns the memory, and the address at which it begins.
 * @throws where the system refuses the mapping.
 */
export function overlayMemory(
  native: Native,
  { fd, sharedBytes, totalBytes }: { fd: number; sharedBytes: number; totalBytes: number },
): { memory: WebAssembly.Memory; base: number } {
  const pages = totalBytes / PAGE;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }); // cannot grow, so it cannot move
  const base = native.addressOf(new Uint8Array(memory.buffer));
  native.map(fd, sharedBytes, base);
  return { memory, base };
}

/** Opens the staging region of a group as an overlay. */
export function openOverlay(
  native: Native,
  { file, rank, size }: { file: SharedFile; rank: number; size: number },
): Medium & { readonly board: MappedBoard } {
  const layout = stagingLayout(size);
  const { memory, base } = overlayMemory(native, {
    fd: file.fd,
    sharedBytes: layout.totalBytes,
    totalBytes: layout.totalBytes + PAGE,
  });
  const buffer = memory.buffer as ArrayBufferLike as SharedArrayBuffer; // a shared memory's buffer is one
  return {
    kind: 'overlay',
    path: file.path,
    board: new MappedBoard({ buffer, base, native }, { rank, size, thread: 0 }),
    staging: mappedStaging(memory, { layout, rank, size }),
    handle: { kind: 'overlay', buffer, base },
    close: file.close, // V8 unmaps the pages when nothing refers to the memory any more
  };
}
