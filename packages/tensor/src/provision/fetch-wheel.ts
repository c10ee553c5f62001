import { createHash } from 'node:crypto';
import { createReadStream, existsSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
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

/** How a wheel is laid out in the cache. */
export interface Layout {
  /** A folder of the cache that isn't there yet. */
  readonly destination: string;
  /** Whether libraries lie in the folders that their wheel has them in. Default: all in one. */
  readonly keepFolders?: boolean;
  /** What stands before the name of the wheel in reports: `2/13 `. */
  readonly label?: string;
}

/**
 * Brings a wheel's libraries into the cache, all into one folder that is named after it.
 *
 * @returns the folder. @throws {TensorError} `fetch-failed`.
 */
export function fetchWheel(wheel: Wheel, target: Target, options: FetchOptions): Promise<string> {
  return fetchTo(wheel, { destination: wheelFolder(cacheFolder(options.environment), wheel, target) }, options);
}

/**
 * Brings a wheel's libraries into a folder of the cache: download, check of its SHA-256, unpacking, and one rename at the end, so that
 * a folder with the final name is always whole. Two processes that fetch at once both download; the later one drops its copy.
 *
 * @returns the folder. @throws {TensorError} `fetch-failed`.
 */
export async function fetchTo(wheel: Wheel, layout: Layout, options: FetchOptions): Promise<string> {
  const { destination, keepFolders = false, label = '' } = layout;
  const { environment, report, download = downloadWheel } = options;
  if (existsSync(destination)) return destination;
  const name = `${label}${wheel.project} ${wheel.version}`;
  return inTemporaryFolder([wheel], environment, async (temporary) => {
    report.progress(`${name}: downloading ${wheel.downloadMegabytes} MB with pip`);
    const file = await download(wheel, await subfolder(temporary, 'download'), { environment, report });
    await checkHash(file, wheel);
    report.progress(`${name}: unpacking ${wheel.unpackedMegabytes} MB`);
    const unpacked = await subfolder(temporary, 'unpacked');
    await unzip(file, wheel.members, { folder: unpacked, report, keepFolders });
    await install(unpacked, destination);
    return destination;
  });
}

/**
 * Runs `work` in a folder of the cache that goes when it ends, however it does.
 *
 * @param wheels what is brought, for the error of a disk that is full.
 * @throws {TensorError} `fetch-failed`, whatever `work` throws.
 */
export async function inTemporaryFolder(
  wheels: readonly Wheel[],
  environment: NodeJS.ProcessEnv,
  work: (folder: string) => Promise<string>,
): Promise<string> {
  const cache = cacheFolder(environment);
  let temporary: { path: string; remove(): Promise<void> } | undefined;
  try {
    temporary = await temporaryFolder(cache);
    await removeAbandoned(cache);
    await checkSpace(cache, wheels);
    return await work(temporary.path);
  } catch (error) {
    if (error instanceof TensorError) throw error;
    throw new TensorError('fetch-failed', explain(error, wheels, cache), { cause: error });
  } finally {
    await temporary?.remove();
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

/** Gives a whole folder its final name. */
export async function install(unpacked: string, destination: string): Promise<void> {
  try {
    await rename(unpacked, destination);
  } catch (error) {
    // Another process was first; a folder with the final name is whole.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
}

/** What some wheels need at most while they are fetched one after the other; pip holds each twice for a moment. */
const megabytesFor = (wheels: readonly Wheel[]): number =>
  wheels.reduce((sum, wheel) => sum + wheel.unpackedMegabytes, 0) +
  2 * Math.max(0, ...wheels.map((wheel) => wheel.downloadMegabytes));

async function checkSpace(cache: string, wheels: readonly Wheel[]): Promise<void> {
  const { bavail, blocks, bsize } = await statfs(cache);
  // Some disks over a network don't say.
  if (blocks > 0 && (bavail * bsize) / 1e6 < megabytesFor(wheels)) throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
}

function explain(error: unknown, wheels: readonly Wheel[], cache: string): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const projects = wheels.map(({ project }) => project).join(', ');
  if (code === 'ENOSPC')
    return `${projects}: the disk is full; ${cache} needs ${megabytesFor(wheels)} MB. Free some, or name another folder in SHAMPOO_CACHE`;
  if (code === 'EACCES' || code === 'EROFS')
    return `${projects}: no permission to write ${cache}. Name another folder in SHAMPOO_CACHE`;
  return message;
}
