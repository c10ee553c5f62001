import { existsSync } from 'node:fs';
import { copyFile, link, mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TensorError } from '../errors.ts';
import { cacheFolder, partialFolder } from './cache.ts';
import { type FetchOptions, fetchTo, install, inTemporaryFolder } from './fetch-wheel.ts';
import type { Wheel } from './wheels.ts';

/**
 * Brings the libraries of some wheels into one folder of the cache, in the folders that their wheels have them in. Each is fetched by itself
 * and kept until all are there, so that a set-up that was interrupted goes on where it was; the folder appears whole.
 *
 * @returns the folder. @throws {TensorError} `fetch-failed`.
 */
export async function fetchTogether(wheels: readonly Wheel[], destination: string, options: FetchOptions): Promise<string> {
  if (existsSync(destination)) return destination;
  const gigabytes = (size: 'downloadMegabytes' | 'unpackedMegabytes', of: readonly Wheel[]) =>
    `${(of.reduce((sum, wheel) => sum + wheel[size], 0) / 1000).toFixed(1)} GB`;
  const cache = cacheFolder(options.environment);
  const parts = wheels.map((wheel) => partialFolder(cache, wheel));
  const missing = wheels.filter((_, i) => !existsSync(parts[i] as string));
  options.report.progress(
    `wheels to fetch: ${missing.length}, ${gigabytes('downloadMegabytes', missing)} to download, ${gigabytes('unpackedMegabytes', wheels)} on the disk in the end`,
  );
  // The disk is looked at now, rather than after some GB.
  await inTemporaryFolder(missing, options.environment, async () => '');
  for (const [i, wheel] of wheels.entries()) {
    await fetchTo(wheel, { destination: parts[i] as string, keepFolders: true, label: `${i + 1}/${wheels.length} ` }, options);
  }
  try {
    await inTemporaryFolder([], options.environment, async (temporary) => {
      const whole = join(temporary, 'whole');
      for (const part of parts) await linkTree(part, whole);
      await install(whole, destination);
      return destination;
    });
  } catch (error) {
    // Another process was first, and has cleared the parts away.
    if (!(error instanceof TensorError && existsSync(destination))) throw error;
  }
  for (const part of parts) await rm(part, { recursive: true, force: true });
  return destination;
}

/** Shows the files of a folder in another, without copying them where the disk can do that. */
async function linkTree(from: string, to: string): Promise<void> {
  for (const entry of await readdir(from, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const target = join(to, file.slice(from.length + 1));
    await mkdir(dirname(target), { recursive: true });
    await link(file, target).catch(() => copyFile(file, target));
  }
}
