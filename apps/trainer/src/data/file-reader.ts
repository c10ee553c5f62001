import { close, open, read } from 'node:fs';
import { promisify } from 'node:util';
import type { ImageIndex } from './image-index.ts';

const openFile = promisify(open);
const readFile = promisify(read);
const closeFile = promisify(close);

/** Files that stay open: fewer than any system allows a process, more than a data set of one archive or of a few dozen shards has. */
const openAtMost = 128;

interface Opened {
  readonly handle: Promise<number>;
  /** Reads that are under way. */
  reads: number;
}

/**
 * Reads the bytes of images by where they lie in a data set's files. A file is opened at its first read and stays open until `close`, or until there are
 * too many; then those go that were not read for longest.
 */
export function extentReader({ files, extents }: Pick<ImageIndex, 'files' | 'extents'>) {
  // In the order of last use, which is the order of a map's keys.
  const opened = new Map<number, Opened>();
  const use = (file: number): Opened => {
    const one = opened.get(file) ?? { handle: openFile(files[file]!, 'r'), reads: 0 };
    opened.delete(file);
    opened.set(file, one);
    one.reads += 1;
    return one;
  };
  const trim = async () => {
    for (const [file, { handle, reads }] of opened) {
      if (opened.size <= openAtMost) return;
      if (reads > 0) continue;
      opened.delete(file);
      await handle.then(closeFile, () => undefined);
    }
  };
  return {
    async read(i: number): Promise<Buffer> {
      const [file, offset, length] = [extents[3 * i]!, extents[3 * i + 1]!, extents[3 * i + 2]!];
      const one = use(file);
      try {
        const buffer = Buffer.allocUnsafe(length);
        const { bytesRead } = await readFile(await one.handle, buffer, 0, length, offset);
        if (bytesRead !== length) throw new Error(`${files[file]} ends within it (${bytesRead} of ${length} bytes)`);
        return buffer;
      } finally {
        one.reads -= 1;
        if (opened.size > openAtMost) await trim();
      }
    },
    async close(): Promise<void> {
      const all = [...opened.values()];
      opened.clear();
      // One that could not be opened has said so to whoever read.
      for (const { handle } of all) await handle.then(closeFile, () => undefined);
    },
  };
}
