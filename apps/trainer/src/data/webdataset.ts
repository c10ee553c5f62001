import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { byCodeUnits } from './classes.ts';
import { DataError } from './errors.ts';
import { extentReader } from './file-reader.ts';
import { type ImageIndex, isHidden, isImageName, type LeftOut, type Split } from './image-index.ts';
import type { Source, SourceName } from './sources.ts';
import { type TarEntry, walkTar } from './walk-tar.ts';

/** A shard and what is in it. */
interface Shard {
  readonly file: string;
  readonly entries: readonly TarEntry[];
}

/** Labels lie beside their images, under the same name. */
export const isLabelName = (name: string): boolean => /\.(cls|json)$/i.test(name) && !isHidden(name);

/**
 * Shards of a WebDataset: tar archives whose members belong together where their names are equal up to the first dot; `x.jpg` is the image, `x.cls` its
 * class, by number or name, or `x.json` with it under `label`, `cls` or `class`. Names of numbered classes are read from `classes.txt` (a line each) or
 * `classes.json` beside the shards.
 *
 * @see https://github.com/webdataset/webdataset
 */
export const webdataset: Source = {
  summary: 'WebDataset shards: a folder of them, or "shard-{000..009}.tar"',
  async list(path, split) {
    const files = await shardFiles(path);
    const shards: Shard[] = [];
    for (const file of files) shards.push({ file, entries: await walkTar(file, isLabelName) });
    return indexOfSamples('webdataset', { path, split, shards });
  },
  reader: extentReader,
};

/** Whether a path names several shards: by braces or a star. */
export const namesShards = (path: string): boolean => /\{\d+\.\.\d+\}|\*/.test(basename(path));

/** @throws {DataError} `missing-path` where there is none. */
async function shardFiles(path: string): Promise<string[]> {
  if (!namesShards(path)) return (await tarsIn(path)).map((name) => join(path, name));
  const braces = /^(.*)\{(\d+)\.\.(\d+)\}(.*)$/.exec(basename(path));
  if (braces !== null) {
    const [, before, first, last, after] = braces as unknown as [string, string, string, string, string];
    return Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) =>
      join(dirname(path), `${before}${String(Number(first) + i).padStart(first.length, '0')}${after}`),
    );
  }
  const pattern = new RegExp(`^${basename(path).split('*').map(escaped).join('.*')}$`);
  const names = (await tarsIn(dirname(path))).filter((name) => pattern.test(name));
  if (names.length === 0) throw new DataError('missing-path', `${path}: expected tar files of these names, found none.`);
  return names.map((name) => join(dirname(path), name));
}

const tarsIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder)).filter((name) => name.endsWith('.tar') && !isHidden(name)).sort(byCodeUnits);

const escaped = (text: string): string => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&');

/** @throws {DataError} `no-images` without a labelled one, `no-classes` for numbers that the list of names doesn't reach. */
export async function indexOfSamples(
  source: SourceName,
  { path, split, shards }: { readonly path: string; readonly split: Split; readonly shards: readonly Shard[] },
): Promise<ImageIndex> {
  const leftOut: LeftOut[] = [];
  const samples: { name: string; label: string; extent: [number, number, number] }[] = [];
  for (const [shard, { file, entries }] of shards.entries()) {
    for (const [key, members] of bySample(entries)) {
      const image = members.find(({ name }) => isImageName(name));
      if (image === undefined) continue;
      const name = `${basename(file)}/${image.name}`;
      const label = members.map(labelIn).find((found) => found !== undefined);
      if (label === undefined) leftOut.push({ name, reason: `there is no ${key}.cls or .json that gives its class` });
      else samples.push({ name, label, extent: [shard, image.offset, image.length] });
    }
  }
  if (samples.length === 0)
    throw new DataError('no-images', `${path}: expected images with a .cls beside each, found none in ${shards.length} shards.`);
  const classes = await classNames(
    dirname(shards[0]!.file),
    samples.map(({ label }) => label),
  );
  const labelOf = new Map(classes.map((name, label) => [name, label]));
  const labels = Int32Array.from(samples, ({ label }) =>
    /^\d+$/.test(label) && !labelOf.has(label) ? Number(label) : (labelOf.get(label) ?? -1),
  );
  const wrong = labels.findIndex((label) => label < 0 || label >= classes.length);
  if (wrong >= 0)
    throw new DataError(
      'no-classes',
      `${path}: ${samples[wrong]!.name} is of class "${samples[wrong]!.label}", but there are ${classes.length} names in the list of classes beside the shards.`,
    );
  return {
    source,
    path,
    split,
    classes,
    names: samples.map(({ name }) => name),
    labels,
    files: shards.map(({ file }) => file),
    extents: Float64Array.from(samples.flatMap(({ extent }) => extent)),
    leftOut,
  };
}

/** Members by what comes before the first dot of their file's name. */
function bySample(entries: readonly TarEntry[]): Map<string, TarEntry[]> {
  const samples = new Map<string, TarEntry[]>();
  for (const entry of entries) {
    if (entry.isFolder || isHidden(entry.name)) continue;
    const at = entry.name.indexOf('.', entry.name.lastIndexOf('/') + 1);
    const key = at < 0 ? entry.name : entry.name.slice(0, at);
    const sample = samples.get(key);
    if (sample) sample.push(entry);
    else samples.set(key, [entry]);
  }
  return samples;
}

const labelled = z
  .object({ label: z.union([z.int(), z.string()]), cls: z.union([z.int(), z.string()]), class: z.union([z.int(), z.string()]) })
  .partial();

function labelIn({ name, content }: TarEntry): string | undefined {
  if (content === undefined) return undefined;
  const text = content.toString('utf8').trim();
  if (/\.cls$/i.test(name)) return text === '' ? undefined : text;
  try {
    const found = labelled.safeParse(JSON.parse(text));
    const label = found.success ? (found.data.label ?? found.data.cls ?? found.data.class) : undefined;
    return label === undefined ? undefined : String(label);
  } catch {
    return undefined;
  }
}

/** The list beside the shards; else numbers up to the largest, or the names that occur. */
async function classNames(folder: string, labels: readonly string[]): Promise<string[]> {
  const [lines, json] = await Promise.all(
    ['classes.txt', 'classes.json'].map((name) => readFile(join(folder, name), 'utf8').catch(() => undefined)),
  );
  if (lines !== undefined)
    return lines
      .split(/\r?\n/)
      .filter((line) => line.trim() !== '')
      .map((line) => line.trim());
  if (json !== undefined) {
    const names = z.array(z.string()).min(1).safeParse(parsed(json));
    if (!names.success) throw new DataError('no-classes', `${join(folder, 'classes.json')}: expected a list of names.`);
    return names.data;
  }
  if (!labels.every((label) => /^\d+$/.test(label))) return [...new Set(labels)].sort(byCodeUnits);
  const largest = labels.reduce((most, label) => Math.max(most, Number(label)), 0);
  return Array.from({ length: largest + 1 }, (_, label) => String(label));
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
