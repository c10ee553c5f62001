import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from './errors.ts';
import { isHidden } from './image-index.ts';

/** What lies at a path: as much as it takes to tell formats apart. */
export interface Place {
  readonly path: string;
  /** `pattern`: nothing has this very name, but it may stand for several. */
  readonly kind: 'file' | 'folder' | 'pattern';
  /** Names of a folder's files, without what is hidden. */
  readonly files: readonly string[];
  /** Names of its folders. */
  readonly folders: readonly string[];
  /** The first bytes of a file, 512 at most. */
  readonly head: Buffer;
}

const nothing = { files: [], folders: [], head: Buffer.alloc(0) } as const;
const headBytes = 512;

/** Braces, stars, question marks, brackets. */
const patterns = /[{}*?[\]]/;

/** @param known what could be there, for the message. @throws {DataError} `missing-path`. */
export async function placeAt(path: string, known: string): Promise<Place> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (patterns.test(path)) return undefined;
    const reason = cause.code === 'ENOENT' ? 'nothing is there' : cause.message;
    throw new DataError('missing-path', `${path}: expected images, but ${reason}. It may be ${known}.`, { cause });
  });
  if (found === undefined) return { path, kind: 'pattern', ...nothing };
  if (!found.isDirectory()) return { path, kind: 'file', ...nothing, head: await headOf(path) };
  const files: string[] = [];
  const folders: string[] = [];
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (isHidden(entry.name)) continue;
    const kind = entry.isSymbolicLink() ? await stat(join(path, entry.name)).catch(() => undefined) : entry;
    if (kind?.isDirectory()) folders.push(entry.name);
    else if (kind?.isFile()) files.push(entry.name);
  }
  return { path, kind: 'folder', files, folders, head: nothing.head };
}

async function headOf(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
