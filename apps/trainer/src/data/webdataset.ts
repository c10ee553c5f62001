import { basename, dirname } from 'node:path';
import { z } from 'zod';
import { type ClassMark, classesOfMarks, classList } from './class-list.ts';
import { DataError } from './errors.ts';
import { extentReader } from './file-reader.ts';
import { isImageExtension } from './image-format.ts';
import { type ImageIndex, isHidden, isImageName, type LeftOut, type Split } from './image-index.ts';
import { isShardName, shardFiles } from './shard-files.ts';
import type { Source, SourceName } from './sources.ts';
import { type TarEntry, walkTar } from './walk-tar.ts';

/** A shard and what is in it. */
interface Shard {
  readonly file: string;
  readonly entries: readonly TarEntry[];
}

/**
 * Shards of a WebDataset: tar archives whose members belong together where their names are equal up to the first dot; `x.jpg` is the image, `x.cls` its
 * class, by number or name, or `x.json` with it under `label`, `cls` or `class`, and its name under `class_name`. Names of numbered classes are read from
 * `classes.txt` or `classes.json` beside the shards. Samples keep the shards' order.
 *
 * @see https://github.com/webdataset/webdataset
 */
export const webdataset: Source = {
  summary: 'WebDataset shards: a folder of them, or "shard-{000..009}.tar"',
  recognises({ kind, files, folders }) {
    if (kind !== 'folder') return kind === 'pattern';
    // Beside class folders a tar is what they were unpacked from, unless it is a numbered one.
    return files.some((name) => isShardName(name) && (folders.length === 0 || /\d\.tar$/i.test(name)));
  },
  async list(path, split) {
    const files = await shardFiles(path, split);
    const shards: Shard[] = [];
    for (const file of files) shards.push({ file, entries: await walkTar(file, isLabel) });
    return indexOfSamples('webdataset', { path, split, shards });
  },
  reader: extentReader,
};

/** A sample's label is a few bytes; what is longer describes something else. */
const longestLabelBytes = 1 << 20;

/** Whether a member of an archive says the class of another. */
export const isLabel = (name: string, length: number): boolean =>
  /\.(cls|json)$/i.test(name) && !isHidden(name) && length <= longestLabelBytes;

/** Whether an archive is a shard rather than a tree: some image has a label beside it. */
export const hasLabelledImage = (entries: readonly TarEntry[]): boolean =>
  [...bySample(entries).values()].some((members) => imageOf(members) !== undefined && markOf(members) !== undefined);

/** @throws {DataError} `no-images` without a labelled one, `no-classes` for labels that fit no list. */
export async function indexOfSamples(
  source: SourceName,
  { path, split, shards }: { readonly path: string; readonly split: Split; readonly shards: readonly Shard[] },
): Promise<ImageIndex> {
  const leftOut: LeftOut[] = [];
  const names: string[] = [];
  const marks: ClassMark[] = [];
  const extents: number[] = [];
  for (const [shard, { file, entries }] of shards.entries()) {
    for (const [key, members] of bySample(entries)) {
      const [image, mark] = [imageOf(members), markOf(members)];
      if (image !== undefined && mark !== undefined) {
        names.push(`${basename(file)}/${image.name}`);
        marks.push(mark);
        extents.push(shard, image.offset, image.length);
      } else if (image !== undefined) {
        leftOut.push({ name: `${basename(file)}/${image.name}`, reason: `there is no ${key}.cls or .json that gives its class` });
      } else if (members.some(({ name }) => /\.cls$/i.test(name))) {
        leftOut.push({ name: `${basename(file)}/${key}.cls`, reason: 'there is no image with it' });
      }
    }
  }
  if (names.length === 0)
    throw new DataError(
      'no-images',
      `${path}: expected images with a .cls beside each, found none in ${shards.length} shards${leftOut[0] ? `; ${leftOut[0].name}: ${leftOut[0].reason}` : ''}.`,
    );
  const list = await classList(dirname(shards[0]!.file));
  return {
    source,
    path,
    split,
    ...classesOfMarks(marks, list, { where: path, nameOf: (i) => names[i]! }),
    names,
    files: shards.map(({ file }) => file),
    extents: Float64Array.from(extents),
    leftOut,
  };
}

/** Where the key of a sample ends and its members' extensions begin: the first dot of the file's name. */
const dotOf = (name: string): number => {
  const at = name.indexOf('.', name.lastIndexOf('/') + 1);
  return at < 0 ? name.length : at;
};

function bySample(entries: readonly TarEntry[]): Map<string, TarEntry[]> {
  const samples = new Map<string, TarEntry[]>();
  for (const entry of entries) {
    if (entry.isFolder || isHidden(entry.name)) continue;
    const key = entry.name.slice(0, dotOf(entry.name));
    const sample = samples.get(key);
    if (sample) sample.push(entry);
    else samples.set(key, [entry]);
  }
  return samples;
}

/** `x.jpg`, or, where there is none, `x.left.jpg`. */
const imageOf = (members: readonly TarEntry[]): TarEntry | undefined =>
  members.find(({ name }) => isImageExtension(name.slice(dotOf(name) + 1))) ?? members.find(({ name }) => isImageName(name));

const numberOrName = z.union([z.int(), z.string().trim().min(1)]);
const description = z
  .object({ label: numberOrName, cls: numberOrName, class: numberOrName, class_name: z.string().trim().min(1) })
  .partial();

/** What the members say: `x.cls` before `x.json`. */
function markOf(members: readonly TarEntry[]): ClassMark | undefined {
  const textOf = (extension: RegExp) =>
    members
      .find(({ name, content }) => content && extension.test(name))
      ?.content?.toString('utf8')
      .trim();
  const { label, cls, class: kind, class_name: name } = described(textOf(/\.json$/i));
  const mark = textOf(/\.cls$/i) || (label ?? cls ?? kind ?? name)?.toString();
  return mark === undefined ? undefined : { mark, name };
}

function described(text: string | undefined): z.output<typeof description> {
  try {
    return (text && description.safeParse(JSON.parse(text)).data) || {};
  } catch {
    return {};
  }
}
