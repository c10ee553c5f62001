import { readdir, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { cifar, isCifarName } from './cifar.ts';
import type { Pixels } from './decode.ts';
import { DataError } from './errors.ts';
import { folder } from './folder.ts';
import { idx, isIdxName } from './idx.ts';
import type { ImageIndex, Split } from './image-index.ts';
import { ownData } from './own-data.ts';
import { tar } from './tar.ts';
import { namesShards, webdataset } from './webdataset.ts';

/** A format that images come in. */
export interface Source {
  /** For people: what a path of this kind is. */
  readonly summary: string;
  /** Finds all images, and decodes none. @throws {DataError} */
  list(path: string, split: Split): Promise<ImageIndex>;
  /** Reads images of an index: encoded files, or pixels where they lie there as such. */
  reader(index: ImageIndex): { read(i: number): Promise<Buffer | Pixels>; close(): Promise<void> };
}

/** Formats by name: a new one is a file, a line here, and how it is recognised below. */
export const sources = { folder, tar, webdataset, cifar, idx, module: ownData } as const satisfies Record<string, Source>;

export type SourceName = keyof typeof sources;

/** What the formats are, in a line. */
export const knownSources = (): string =>
  Object.values(sources)
    .map(({ summary }) => summary)
    .join('; ');

/**
 * Which format a path is, by its name and, for a folder, by what lies in it.
 *
 * @throws {DataError} `missing-path`.
 */
export async function recognise(path: string): Promise<SourceName> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (namesShards(path)) return undefined;
    const reason = cause.code === 'ENOENT' ? 'nothing is there' : cause.message;
    throw new DataError('missing-path', `${path}: expected images, but ${reason}. It may be ${knownSources()}.`, { cause });
  });
  if (found === undefined) return 'webdataset';
  if (found.isDirectory()) return inFolder(await readdir(path, { withFileTypes: true }));
  const name = basename(path);
  if (/\.[cm]?[jt]s$/.test(name)) return 'module';
  if (isCifarName(name)) return 'cifar';
  return isIdxName(name) ? 'idx' : 'tar';
}

function inFolder(entries: readonly { readonly name: string; isDirectory(): boolean }[]): SourceName {
  const files = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  if (files.some(isCifarName)) return 'cifar';
  if (files.some(isIdxName)) return 'idx';
  return files.some((name) => name.endsWith('.tar')) ? 'webdataset' : 'folder';
}
