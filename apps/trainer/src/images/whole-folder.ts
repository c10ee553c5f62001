import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

/**
 * Makes a folder that is either whole or absent: it is built under another name beside its own, and renamed. What a build that was killed on
 * this machine left behind is removed.
 *
 * @param build fills the folder it is given.
 * @returns false if someone else put a folder there in the meantime, which is left as it is.
 */
export async function makeWholeFolder(folder: string, build: (partial: string) => Promise<void>): Promise<boolean> {
  const parent = dirname(folder);
  await mkdir(parent, { recursive: true });
  await removeLeftovers(parent, partialPrefix(folder));
  const partial = join(parent, `${partialPrefix(folder)}${process.pid}-${randomUUID()}`);
  try {
    await mkdir(partial);
    await build(partial);
    await rename(partial, folder);
    return true;
  } catch (cause) {
    await rm(partial, { recursive: true, force: true });
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw cause;
  }
}

/** Names the machine too: on a shared disk, only that machine can tell whether the process still runs. */
const partialPrefix = (folder: string) => `${basename(folder)}.partial-${hostname()}-`;

async function removeLeftovers(parent: string, prefix: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : Number.NaN;
    if (pid > 0 && !isRunning(pid)) await rm(join(parent, name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
