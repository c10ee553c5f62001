import { stat } from 'node:fs/promises';
import { DataError } from './errors.ts';
import { folderReader, listFolder } from './folder.ts';
import { type ImageIndex, indexOf } from './image-index.ts';
import { listTar, tarReader } from './tar.ts';

/** Labelled images that can be read in any order. */
export interface ImageDataset {
  /** The path it was opened with. */
  readonly name: string;
  /** Class names; a label is a place in this list. */
  readonly classes: readonly string[];
  /** Number of images. */
  readonly length: number;
  /** What a worker needs to read the same images: see `datasetOf`. */
  readonly index: ImageIndex;
  label(i: number): number;
  /** Path of an image below the folder or inside the archive. */
  nameOf(i: number): string;
  /** The file of an image as it is, still encoded. */
  read(i: number): Promise<Buffer>;
  /** Lets go of the archive; may be called twice. */
  close(): Promise<void>;
}

/** Where images can lie. A new kind of source is a file with a listing and a reader, and a line here. */
const sources = {
  folder: { list: listFolder, reader: folderReader },
  tar: { list: listTar, reader: tarReader },
} as const;

/**
 * Opens an ImageFolder tree, or a tar archive of one. Nothing is decoded and no file stays open.
 *
 * @throws {DataError} `missing-path`, `no-classes`, `no-images`, `not-a-tar`.
 */
export async function openDataset(path: string): Promise<ImageDataset> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === 'ENOENT' ? 'nothing is there' : cause.message;
    throw new DataError('missing-path', `${path}: expected a folder of class folders or a tar archive of one, but ${reason}.`, {
      cause,
    });
  });
  const source = found.isDirectory() ? 'folder' : 'tar';
  return datasetOf(indexOf(source, path, await sources[source].list(path)));
}

/** The data set that an index describes, without listing it again. */
export function datasetOf(index: ImageIndex): ImageDataset {
  const { read, close } = sources[index.source].reader(index);
  return {
    name: index.path,
    classes: index.classes,
    length: index.names.length,
    index,
    label: (i) => index.labels[i]!,
    nameOf: (i) => index.names[i]!,
    read,
    close,
  };
}
