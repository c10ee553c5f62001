import { randomBytes } from 'node:crypto';
import { readSync, rmSync, writeSync } from 'node:fs';
import { kernelsOver } from '../kernels/kernels.ts';
import { PAGE } from './layout.ts';
import type { MemoryKind } from './medium.ts';
import type { Native } from './native.ts';
import { overlayMemory } from './overlay.ts';
import { createMemfd, createTmpfs, type Origin, type SharedFile, tmpfsPath } from './shared-file.ts';
import { mapFile } from './view.ts';

/** What this process can do by itself, best first, and why not more. */
export interface Abilities {
  readonly kinds: readonly MemoryKind[];
  readonly origins: readonly Origin[];
  /** One sentence per thing that is missing. */
  readonly refused: readonly string[];
}

/**
 * Tries every kind of shared memory on a small file: a random number written through the file must be seen in memory, and one
 * written in memory must be seen through the file; for an overlay both by WebAssembly's own instructions.
 *
 * @param only where given, the one kind to use, and the one origin: nothing better and nothing worse.
 */
export function selfTest(native: Native | string, only: { kind?: MemoryKind; origin?: Origin } = {}): Abilities {
  const refused: string[] = [];
  const attempt = (what: string, check: () => void): boolean => {
    try {
      check();
      return true;
    } catch (error) {
      refused.push(`${what}: ${(error as Error).message}`);
      return false;
    }
  };
  const wanted = (kind: MemoryKind) => only.kind === undefined || only.kind === kind;
  const kinds: MemoryKind[] = [];
  const possible: Origin[] = only.origin === 'memfd' ? [] : ['tmpfs'];
  if (typeof native === 'string') {
    if (only.kind !== 'file') refused.push(`overlay and view: ${native}`);
  } else {
    if (only.origin !== 'tmpfs' && attempt('memfd', () => createMemfd(PAGE, native).close())) possible.unshift('memfd');
    const origin = possible[0] ?? 'tmpfs';
    if (wanted('overlay') && attempt('overlay', () => withFile(native, origin, overlayAgrees))) kinds.push('overlay');
    if (wanted('view') && attempt('view', () => withFile(native, origin, viewAgrees))) kinds.push('view');
  }
  if (wanted('file')) kinds.push('file');
  return { kinds, origins: possible, refused };
}

function withFile(native: Native, origin: Origin, check: (native: Native, fd: number) => void): void {
  const path = tmpfsPath();
  const file: SharedFile = origin === 'memfd' ? createMemfd(PAGE, native) : createTmpfs(path, PAGE, native);
  try {
    check(native, file.fd);
  } finally {
    file.close();
    if (origin === 'tmpfs') rmSync(path, { force: true });
  }
}

const nonce = () => randomBytes(16);

function mustEqual(seen: Uint8Array, expected: Uint8Array, direction: string): void {
  if (Buffer.compare(Buffer.from(seen), expected) !== 0) throw new Error(`what was written ${direction} is not seen there`);
}

function overlayAgrees(native: Native, fd: number): void {
  const { memory } = overlayMemory(native, { fd, sharedBytes: PAGE, totalBytes: 2 * PAGE });
  const { copy } = kernelsOver(memory, { size: 2, scratch: PAGE });
  const bytes = new Uint8Array(memory.buffer);
  const [there, back] = [nonce(), nonce()];
  writeSync(fd, there, 0, 16, 64);
  copy(PAGE, 64, 16); // WebAssembly reads the shared page and writes behind it
  mustEqual(bytes.slice(PAGE, PAGE + 16), there, 'through the file, into WebAssembly,');
  bytes.set(back, PAGE);
  copy(128, PAGE, 16);
  const read = new Uint8Array(16);
  readSync(fd, read, 0, 16, 128);
  mustEqual(read, back, 'by WebAssembly, into the file,');
}

function viewAgrees(native: Native, fd: number): void {
  const mapped = mapFile(native, fd, PAGE);
  const bytes = new Uint8Array(mapped.buffer);
  try {
    const [there, back] = [nonce(), nonce()];
    writeSync(fd, there, 0, 16, 64);
    mustEqual(bytes.slice(64, 80), there, 'through the file, into the view,');
    bytes.set(back, 128);
    const read = new Uint8Array(16);
    readSync(fd, read, 0, 16, 128);
    mustEqual(read, back, 'in the view, into the file,');
  } finally {
    mapped.unmap();
  }
}
