import { createHash } from 'node:crypto';
import { createReadStream, existsSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { TensorError } from '../errors.ts';
import { cacheFolder, wheelFolder } from './cache.ts';
import { downloadWheel } from './pip.ts';
import type { Report } from './report.ts';
import { unzip } from './unzip.ts';
import type { Target, Wheel } from './wheels.ts';

/** Where to fetch to, and whom to tell. */
export interface FetchOptions {
  readonly environment: NodeJS.ProcessEnv;
  readonly report: Report;
  /** How the wheel is had. Default: pip. */
  readonly download?: typeof downloadWheel;
}

/**
 * Brings a wheel's libraries into the cache, all into one folder.
 *
 * @returns the folder. @throws {TensorError} `fetch-failed`.
 */
export function fetchWheel(wheel: Wheel, target: Target, options: FetchOptions): Promise<string> {
  return fetchWheels([wheel], wheelFolder(cacheFolder(options.environment), wheel, target), options);
}

/**
 * Brings the libraries of some wheels into one folder of the cache: download, check of its SHA-256, and unpacking of each, and one rename at the end, so that
 * a folder with the final name is always whole. Two processes that fetch at once both download; the later one drops its copy.
 *
 * @param options.keepFolders whether libraries lie in the folders that their wheels have them in.
 * @returns the folder. @throws {TensorError} `fetch-failed`.
 */
export async function fetchWheels(
  wheels: readonly Wheel[],
  destination: string,
  options: FetchOptions & { readonly keepFolders?: boolean },
): Promise<string> {
  const { environment, report, download = downloadWheel, keepFolders = false } = options;
  const cache = cacheFolder(environment);
  if (existsSync(destination)) return destination;
  const temporary = await temporaryFolder(cache);
  await removeAbandoned(cache);
  let current = wheels[0] as Wheel;
  try {
    const unpacked = await subfolder(temporary.path, 'unpacked');
    for (const [i, wheel] of wheels.entries()) {
      current = wheel;
      const name = `${wheels.length > 1 ? `${i + 1}/${wheels.length} ` : ''}${wheel.project} ${wheel.version}`;
      report.progress(`${name}: downloading ${wheel.downloadMegabytes} MB with pip`);
      const folder = await subfolder(temporary.path, `download-${i}`);
      const file = await download(wheel, folder, { environment, report });
      await checkHash(file, wheel);
      report.progress(`${name}: unpacking ${wheel.unpackedMegabytes} MB`);
      await unzip(file, wheel.members, { folder: unpacked, report, keepFolders });
      await rm(folder, { recursive: true, force: true });
    }
    await install(unpacked, destination);
    return destination;
  } catch (error) {
    if (error instanceof TensorError) throw error;
    throw new TensorError('fetch-failed', explain(error, current, cache), { cause: error });
  } finally {
    await temporary.remove();
  }
}

const PREFIX = 'fetching-';

/** A folder in the cache, so that renames stay on one disk. It goes even when the process is told to exit. */
async function temporaryFolder(cache: string): Promise<{ path: string; remove(): Promise<void> }> {
  await mkdir(cache, { recursive: true });
  const path = await mkdtemp(join(cache, PREFIX));
  const removeNow = () => rmSync(path, { recursive: true, force: true });
  process.once('exit', removeNow);
  return {
    path,
    async remove() {
      process.off('exit', removeNow);
      await rm(path, { recursive: true, force: true });
    },
  };
}

const ABANDONED_AFTER_MS = 24 * 3600 * 1000;

/** Clears away what a fetch left that was killed on a day before. */
async function removeAbandoned(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const path = join(cache, name);
    if (!name.startsWith(PREFIX)) continue;
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > ABANDONED_AFTER_MS) await rm(path, { recursive: true, force: true });
  }
}

async function subfolder(parent: string, name: string): Promise<string> {
  const path = join(parent, name);
  await mkdir(path);
  return path;
}

async function checkHash(file: string, wheel: Wheel): Promise<void> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  const got = hash.digest('hex');
  if (got !== wheel.sha256)
    throw new Error(`${basename(file)} has SHA-256 ${got}, pinned is ${wheel.sha256}. It was changed on its way, or replaced`);
}

async function install(unpacked: string, destination: string): Promise<void> {
  try {
    await rename(unpacked, destination);
  } catch (error) {
    // Another process was first; a folder with the final name is whole.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
}

function explain(error: unknown, wheel: Wheel, cache: string): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const needed = wheel.downloadMegabytes + wheel.unpackedMegabytes;
  if (code === 'ENOSPC')
    return `${wheel.project}: the disk is full; ${cache} needs ${needed} MB. Free some, or name another folder in SHAMPOO_CACHE`;
  if (code === 'EACCES' || code === 'EROFS')
    return `${wheel.project}: no permission to write ${cache}. Name another folder in SHAMPOO_CACHE`;
  return message;
}
