import { close, createReadStream, open, read } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { extract } from 'tar-stream';
import { DataError } from './errors.ts';
import { type FoundImage, type ImageIndex, isHidden, isImageName, type Listing } from './image-index.ts';

const openFile = promisify(open);
const readFile = promisify(read);
const closeFile = promisify(close);

/** A header takes one block, and the content begins behind it. */
const headerBytes = 512;

/**
 * Walks an archive once, about 7 µs an entry, and notes where every image lies, so that images can be read in any order.
 *
 * @throws {DataError} `not-a-tar`: compressed, cut off, or something else.
 */
export async function listTar(path: string): Promise<Listing> {
  const images: FoundImage[] = [];
  const folders: string[] = [];
  const archive = extract();
  archive.on('entry', ({ name, type, size }, content, next) => {
    const entry = name.replace(/^\.?\/+/, '').replace(/\/+$/, '');
    if (type === 'directory') {
      if (!isHidden(entry)) folders.push(entry);
    } else if ((type === 'file' || type === 'contiguous-file') && isImageName(entry)) {
      images.push({ name: entry, offset: content.offset + headerBytes, length: size });
    }
    content.on('end', () => next());
    content.on('error', () => {}); // The archive fails with the same error, which is where it is dealt with.
    content.resume();
  });
  try {
    await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), archive);
  } catch (cause) {
    throw new DataError(
      'not-a-tar',
      `${path}: expected a folder or an uncompressed tar archive, got something else or a part of one (${String(cause)}). Unpack a compressed archive first: images are read from anywhere in it.`,
      { cause },
    );
  }
  return { images, folders };
}

/** Reads images of an archive by their place in it. The file is opened at the first read. */
export function tarReader(index: ImageIndex) {
  let file: Promise<number> | undefined;
  return {
    async read(i: number): Promise<Buffer> {
      file ??= openFile(index.path, 'r');
      const [offset, length] = [index.extents[2 * i]!, index.extents[2 * i + 1]!];
      const buffer = Buffer.allocUnsafe(length);
      const { bytesRead } = await readFile(await file, buffer, 0, length, offset);
      if (bytesRead !== length) throw new Error(`the archive ends within it (${bytesRead} of ${length} bytes)`);
      return buffer;
    },
    async close(): Promise<void> {
      const opened = file;
      file = undefined;
      if (opened) await closeFile(await opened);
    },
  };
}
