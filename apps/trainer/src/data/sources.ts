import { cifar } from './cifar.ts';
import type { Pixels } from './decode.ts';
import { DataError } from './errors.ts';
import { folder } from './folder.ts';
import { idx } from './idx.ts';
import type { ImageIndex, Split } from './image-index.ts';
import { ownData } from './own-data.ts';
import { type Place, placeAt } from './place.ts';
import { tar } from './tar.ts';
import { webdataset } from './webdataset.ts';

/** A format that images come in. */
export interface Source {
  /** For people: what a path of this kind is. */
  readonly summary: string;
  /** Whether a path is one, by its name, what lies in the folder, or how the file begins. */
  recognises(place: Place): boolean;
  /** Finds all images, and decodes none. @throws {DataError} */
  list(path: string, split: Split): Promise<ImageIndex>;
  /** Reads images of an index: encoded files, or pixels where they lie there as such. */
  reader(index: ImageIndex): { read(i: number): Promise<Buffer | Pixels>; close(): Promise<void> };
}

/** Formats by name, the more particular ones first: a new one is a file and a line here. */
export const sources = { module: ownData, idx, cifar, webdataset, tar, folder } as const satisfies Record<string, Source>;

export type SourceName = keyof typeof sources;

/** What the formats are, in a line. */
export const knownSources = (): string =>
  Object.values(sources)
    .map(({ summary }) => summary)
    .reverse()
    .join('; ');

/**
 * Which format a path is.
 *
 * @throws {DataError} `missing-path`, `no-classes` for a folder with nothing known in it, `unknown-format` for a file.
 */
export async function recognise(path: string): Promise<SourceName> {
  const place = await placeAt(path, knownSources());
  for (const [name, source] of Object.entries(sources) as [SourceName, Source][]) if (source.recognises(place)) return name;
  if (place.kind === 'folder')
    throw new DataError(
      'no-classes',
      `${path}: expected images, got a folder of ${place.files.length} files that are none of them known and no folder. It may be ${knownSources()}.`,
    );
  throw new DataError('unknown-format', `${path}: expected images, got a file of an unknown kind. It may be ${knownSources()}.`);
}
