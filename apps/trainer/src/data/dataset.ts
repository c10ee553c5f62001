import type { Pixels } from './decode.ts';
import type { ImageIndex, LeftOut, Split } from './image-index.ts';
import { recognise, sources } from './sources.ts';

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
  /** Images that had to be left out, as those without a label. */
  readonly leftOut: readonly LeftOut[];
  label(i: number): number;
  /** Name of an image: its path below the folder, or in the archive. */
  nameOf(i: number): string;
  /** The file of an image as it is, still encoded; or pixels, where the format holds those. */
  read(i: number): Promise<Buffer | Pixels>;
  /** Lets go of open files; may be called twice. */
  close(): Promise<void>;
}

/** Options of `openDataset`. */
export interface OpenOptions {
  /** Which half, where a path holds both. Default `train`. */
  readonly split?: Split;
}

/**
 * Opens labelled images in any of the formats of `sources`. Nothing is decoded and no file stays open.
 *
 * @throws {DataError} `missing-path`, `unknown-format`, `no-classes`, `no-images`, `not-a-tar`, `damaged-file`, `bad-module`.
 */
export async function openDataset(path: string, { split = 'train' }: OpenOptions = {}): Promise<ImageDataset> {
  const source = await recognise(path);
  return datasetOf(await sources[source].list(path, split));
}

/** The data set that an index describes, without listing it again. */
export function datasetOf(index: ImageIndex): ImageDataset {
  const { read, close } = sources[index.source].reader(index);
  return {
    name: index.path,
    classes: index.classes,
    length: index.names.length,
    index,
    leftOut: index.leftOut,
    label: (i) => index.labels[i]!,
    nameOf: (i) => index.names[i]!,
    read,
    close,
  };
}
