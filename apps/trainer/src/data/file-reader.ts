import { close, open, read } from 'node:fs';
import { promisify } from 'node:util';
import type { ImageIndex } from './image-index.ts';

const openFile = promisify(open);
const readFile = promisify(read);
const closeFile = promisify(close);

/** Reads the bytes of images by where they lie in a data set's files. A file is opened at its first read and stays open until `close`. */
export function extentReader({ files, extents }: Pick<ImageIndex, 'files' | 'extents'>) {
  const opened = new Map<number, Promise<number>>();
  return {
    async read(i: number): Promise<Buffer> {
      const [file, offset, length] = [extents[3 * i]!, extents[3 * i + 1]!, extents[3 * i + 2]!];
      let handle = opened.get(file);
      if (handle === undefined) {
        handle = openFile(files[file]!, 'r');
        opened.set(file, handle);
      }
      const buffer = Buffer.allocUnsafe(length);
      const { bytesRead } = await readFile(await handle, buffer, 0, length, offset);
      if (bytesRead !== length) throw new Error(`${files[file]} ends within it (${bytesRead} of ${length} bytes)`);
      return buffer;
    },
    async close(): Promise<void> {
      const handles = [...opened.values()];
      opened.clear();
      for (const handle of handles) await closeFile(await handle);
    },
  };
}
