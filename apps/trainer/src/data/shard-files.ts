import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expand } from 'brace-expansion';
import { glob, isDynamicPattern } from 'tinyglobby';
import { byCodeUnits } from './classes.ts';
import { DataError } from './errors.ts';
import { namesOfHalf } from './halves.ts';
import { isHidden, type Split } from './image-index.ts';

/** Whether a file's name is that of a shard. */
export const isShardName = (name: string): boolean => /\.tar$/i.test(name) && !isHidden(name);

/**
 * The shards that a path names: the tars of a folder, of one half where the names tell (`train-000.tar`, `val-000.tar`); or braces and stars,
 * `shard-{000..009}.tar`, `{a,b}-*.tar`. Braces name files, each of which must be there; stars find them.
 *
 * @throws {DataError} `missing-path`.
 */
export async function shardFiles(path: string, split: Split): Promise<readonly string[]> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) {
    const names = (await readdir(path)).filter(isShardName).sort(byCodeUnits);
    return namesOfHalf(names, split).map((name) => join(path, name));
  }
  const files: string[] = [];
  const absent: string[] = [];
  for (const name of expand(path)) {
    const isThere = (await stat(name).catch(() => undefined)) !== undefined;
    const matches = isThere ? [name] : isDynamicPattern(name) ? await matching(name) : [];
    files.push(...matches);
    if (matches.length === 0) absent.push(name);
  }
  if (absent.length > 0)
    throw new DataError(
      'missing-path',
      `${path}: expected tar files of these names, but there is no ${absent[0]}${absent.length > 1 ? ` nor ${absent.length - 1} others` : ''}.`,
      { absent },
    );
  return [...new Set(files)];
}

const matching = async (pattern: string): Promise<string[]> =>
  (await glob(pattern, { absolute: true, expandDirectories: false })).sort(byCodeUnits);
