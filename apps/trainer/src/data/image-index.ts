import { byCodeUnits, classesOf } from './classes.ts';
import { halfOfTree } from './halves.ts';
import { isImageExtension } from './image-format.ts';
import type { SourceName } from './sources.ts';

/** Which part of a data set: formats that hold both under one path tell them apart. */
export type Split = 'train' | 'test';

/** An image that a listing found and had to leave out. */
export interface LeftOut {
  readonly name: string;
  readonly reason: string;
}

/**
 * Everything known about a data set before a pixel is read: plain data, so that it can be sent to a worker, which then
 * reads images without listing the folder or the archive again.
 */
export interface ImageIndex {
  readonly source: SourceName;
  /** The path it was opened with. */
  readonly path: string;
  readonly split: Split;
  readonly classes: readonly string[];
  /** Name of every image, unique in the data set. */
  readonly names: readonly string[];
  /** Label of every image. */
  readonly labels: Int32Array;
  /** The files that `extents` refer to. Empty where every image is a file of its own. */
  readonly files: readonly string[];
  /** Where every image lies: its file's place in `files`, byte offset and length, in threes. */
  readonly extents: Float64Array;
  readonly leftOut: readonly LeftOut[];
}

/** One image file as a listing finds it; offset and length in bytes where it lies in an archive. */
export interface FoundImage {
  readonly name: string;
  readonly offset?: number;
  readonly length?: number;
}

/** What a listing of a tree finds. */
export interface Listing {
  readonly images: readonly FoundImage[];
  readonly folders: Iterable<string>;
}

/** Whether a path names an image: by its extension, in any case, and nowhere in a hidden folder or file (`._x.jpg`, `.cache/`). */
export const isImageName = (path: string): boolean => isImageExtension(/\.(\w+)$/.exec(path)?.[1] ?? '') && !isHidden(path);

/** Whether any part of a path begins with a dot. */
export const isHidden = (path: string): boolean => /(^|\/)\./.test(path);

/**
 * Orders the listing of a tree, or of the half that is wanted, by name and gives every image its label. A tree and an archive of it give the same order, so the same
 * seed trains alike on both.
 *
 * @throws {DataError} `no-classes`, `no-images`.
 */
export function indexOfTree(
  source: SourceName,
  path: string,
  { listing, split }: { listing: Listing; split: Split },
): ImageIndex {
  const { images, folders } = halfOfTree(listing, split);
  const sorted = images.toSorted((a, b) => byCodeUnits(a.name, b.name));
  const names = sorted.map((image) => image.name);
  const { names: classes, labels } = classesOf(names, folders, path);
  const kept = sorted.filter((_, i) => labels[i]! >= 0);
  const inFile = kept.some(({ offset }) => offset !== undefined);
  return {
    source,
    path,
    split,
    classes,
    names: kept.map((image) => image.name),
    labels: labels.filter((label) => label >= 0),
    files: inFile ? [path] : [],
    extents: Float64Array.from(inFile ? kept.flatMap(({ offset, length }) => [0, offset ?? 0, length ?? 0]) : []),
    leftOut: [],
  };
}
