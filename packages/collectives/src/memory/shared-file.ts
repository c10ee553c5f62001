import { randomBytes } from 'node:crypto';
import { closeSync, fchmodSync, ftruncateSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CollectivesError } from '../errors.ts';
import type { Native } from './native.ts';

/**
 * Where the bytes that ranks share live. `memfd`: a file without a name, which the others open by way of /proc; it vanishes with
 * the last process that has it, however that ends, and is not limited by the size of /dev/shm. `tmpfs`: a file in /dev/shm (in
 * the temporary folder where there is none) under a random name, which is removed as soon as every rank has it.
 */
export const origins = ['memfd', 'tmpfs'] as const;
/** One of them. */
export type Origin = (typeof origins)[number];

/** An open file whose bytes several processes share. */
export interface SharedFile {
  readonly fd: number;
  readonly path: string;
  close(): void;
}

const folder = () => (process.platform === 'linux' ? '/dev/shm' : tmpdir());

/** A name that nobody guesses, in the folder for shared files. Known before the file exists, so that others can clean up. */
export const tmpfsPath = (): string => join(folder(), `collectives-${randomBytes(16).toString('hex')}`);

const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MB`;

/** Memory may be promised, but not all of it: what is left must do for the rest of the machine. */
const LARGEST_PART_OF_FREE_MEMORY = 0.9;

/**
 * Refuses sizes that cannot be had. Reserving more than there is does not fail on Linux: it wakes the out-of-memory killer,
 * which takes processes at its own choice.
 *
 * @throws {CollectivesError} `unsupported`, with the numbers.
 */
export function checkRoom(lengthBytes: number, room: { availableBytes: number; where: string }): void {
  const most = room.availableBytes * LARGEST_PART_OF_FREE_MEMORY;
  if (lengthBytes <= most) return;
  throw new CollectivesError(
    'unsupported',
    `shared memory: ${megabytes(lengthBytes)} were asked for, ${room.where} has ${megabytes(room.availableBytes)} left. ` +
      'Fewer ranks on this host or a smaller model need less; in a container, --shm-size makes /dev/shm larger.',
  );
}

function freeInFolder(): number {
  const { bavail, bsize, blocks } = statfsSync(folder());
  return blocks === 0 ? Infinity : bavail * bsize; // a tmpfs without a limit says 0
}

/** Makes a nameless file of `lengthBytes` zeros. @throws where memory is short or the system refuses. */
export function createMemfd(lengthBytes: number, native: Native): SharedFile {
  if (native.anonymousFile === undefined) throw new Error('memfd_create is Linux only');
  checkRoom(lengthBytes, { availableBytes: process.availableMemory(), where: 'this machine' });
  const fd = native.anonymousFile();
  return reserved({ fd, path: `/proc/${process.pid}/fd/${fd}` }, lengthBytes, native);
}

/**
 * Makes the file `path` of `lengthBytes` zeros, for this user only. It must not exist.
 *
 * @param native reserves the space; without it, zeros are written, which fails as cleanly.
 */
export function createTmpfs(path: string, lengthBytes: number, native?: Native): SharedFile {
  checkRoom(lengthBytes, { availableBytes: Math.min(freeInFolder(), process.availableMemory()), where: folder() });
  const fd = openSync(path, 'wx+', 0o600);
  try {
    return reserved({ fd, path }, lengthBytes, native);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
}

/** Opens a file that another rank made. */
export function openShared(path: string): SharedFile {
  const fd = openSync(path, 'r+');
  return { fd, path, close: () => closeSync(fd) };
}

/** Gives the file its length and its space, or closes it. */
function reserved(file: { fd: number; path: string }, lengthBytes: number, native?: Native): SharedFile {
  const { fd, path } = file;
  try {
    fchmodSync(fd, 0o600);
    ftruncateSync(fd, lengthBytes);
    if (native === undefined) writeZeros(fd, lengthBytes);
    else {
      const refused = native.reserve(fd, lengthBytes);
      if (refused !== 0) throw new Error(`no space for ${megabytes(lengthBytes)} of shared memory in ${path} (error ${refused})`);
    }
    return { fd, path, close: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function writeZeros(fd: number, lengthBytes: number): void {
  const zeros = Buffer.alloc(Math.min(lengthBytes, 1 << 20));
  for (let at = 0; at < lengthBytes; at += zeros.length) writeSync(fd, zeros, 0, Math.min(zeros.length, lengthBytes - at), at);
}
