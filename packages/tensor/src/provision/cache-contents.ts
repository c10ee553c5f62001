import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from './cache.ts';

/** An engine that was fetched, or what a fetch left behind that was ended. */
export interface CachedEngine {
  readonly name: string;
  readonly path: string;
  readonly megabytes: number;
}

/** The names that engines have there, of any version and machine; the rest of the folder may be anybody's. */
const engine = /^(tensorflow(-cpu|-gpu)?|scipy-openblas32)-\d[\d.]*-(linux|darwin)-(x64|arm64)$/;
const unfinished = /^(fetching-\w{6}|partial-(tensorflow|nvidia-[\w-]+)-\d[\d.]*)$/;

/** @returns the engines in the cache, by name, and unfinished downloads, those that are under way included. An absent cache is an empty one. */
export async function cachedEngines(environment: NodeJS.ProcessEnv): Promise<CachedEngine[]> {
  const cache = cacheFolder(environment);
  const entries = await readdir(cache, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => entry.isDirectory() && (engine.test(entry.name) || unfinished.test(entry.name)));
  return Promise.all(
    names
      .map(({ name }) => ({ name, path: join(cache, name) }))
      .sort((a, b) => a.name.localeCompare(b.name))
      .map(async ({ name, path }) => ({ name, path, megabytes: Math.round((await sizeOf(path)) / 1e6) })),
  );
}

/** Removes engines from the cache. A process that has loaded one keeps it until it ends. @returns what was removed. */
export async function clearEngines(environment: NodeJS.ProcessEnv): Promise<CachedEngine[]> {
  const engines = await cachedEngines(environment);
  for (const { path } of engines) await rm(path, { recursive: true, force: true });
  return engines;
}

/** The bytes of the files in a folder, of those that vanish meanwhile not counted. */
export async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(
    entries.map((entry) =>
      stat(join(folder, entry)).then(
        (file) => (file.isFile() ? file.size : 0),
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
