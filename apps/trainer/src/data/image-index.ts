import { byCodeUnits, classesOf } from './classes.ts';

/**
 * Everything known about a data set before a pixel is read: plain data, so that it can be sent to a worker, which then
 * reads images without listing the folder or the archive again.
 */
export interface ImageIndex {
  readonly source: 'folder' | 'tar';
  /** The folder or the archive. */
  readonly path: string;
  readonly classes: readonly string[];
  /** Path of every image below `path` or inside the archive, in code-unit order, with `/` between folders. */
  readonly names: readonly string[];
  /** Label of every image. */
  readonly labels: Int32Array;
  /** For an archive: byte offset and length of every image, in pairs. Empty for a folder. */
  readonly extents: Float64Array;
}

/** One image file as a listing finds it; offset and length in bytes where it lies in an archive. */
export interface FoundImage {
  readonly name: string;
  readonly offset?: number;
  readonly length?: number;
}

/** What a listing finds. */
export interface Listing {
  readonly images: readonly FoundImage[];
  readonly folders: Iterable<string>;
}

const extensions = /\.(jpe?g|png)$/i;

/** Whether a path names an image: by its extension, in any case, and nowhere in a hidden folder or file (`._x.jpg`, `.cache/`). */
export const isImageName = (path: string): boolean => extensions.test(path) && !isHidden(path);

/** Whether any part of a path begins with a dot. */
export const isHidden = (path: string): boolean => /(^|\/)\./.test(path);

/**
 * Orders a listing by name and gives every image its label. A tree and an archive of it give the same order, so the same
 * seed trains alike on both.
 *
 * @throws {DataError} `no-classes`, `no-images`.
 */
export function indexOf(source: ImageIndex['source'], path: string, listing: Listing): ImageIndex {
  const sorted = listing.images.toSorted((a, b) => byCodeUnits(a.name, b.name));
  const names = sorted.map((image) => image.name);
  const { names: classes, labels } = classesOf(names, listing.folders, path);
  const kept = sorted.filter((_, i) => labels[i]! >= 0);
  return {
    source,
    path,
    classes,
    names: kept.map((image) => image.name),
    labels: labels.filter((label) => label >= 0),
    extents: Float64Array.from(
      kept.flatMap(({ offset, length }) => (offset === undefined || length === undefined ? [] : [offset, length])),
    ),
  };
}
