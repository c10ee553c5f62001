import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { cacheFolder, wheelFolder } from './cache.ts';
import { type Blas, probeBlas } from './probe-blas.ts';
import type { Look, Place } from './search.ts';
import { blasWheels, thisTarget } from './wheels.ts';

/** @returns the places that are ours or the user's. `systemBlasPlaces` comes after everything else. */
export function blasPlaces(environment: NodeJS.ProcessEnv): Place<Blas>[] {
  return [
    { place: 'SHAMPOO_OPENBLAS', look: () => named(environment['SHAMPOO_OPENBLAS']) },
    { place: 'cache', look: () => cached(environment) },
  ];
}

/**
 * The machine's own OpenBLAS: the last resort. Distributions carry releases that are years old, without kernels for newer processors, and
 * on some of those they compute wrongly; the pinned wheel is one build that is tested.
 */
export function systemBlasPlaces(): Place<Blas>[] {
  return [{ place: 'system', look: lookInSystem }];
}

function named(path: string | undefined): Look<Blas> {
  if (!path) return { missing: 'not set' };
  if (!existsSync(path)) return { refused: `no file ${path}` };
  try {
    return { found: probeBlas(path) };
  } catch (error) {
    return { refused: (error as Error).message };
  }
}

function cached(environment: NodeJS.ProcessEnv): Look<Blas> {
  const target = thisTarget();
  if (target === undefined) return { missing: `nothing is kept for ${process.platform}-${process.arch}` };
  const folder = wheelFolder(cacheFolder(environment), blasWheels[target], target);
  return existsSync(folder) ? { found: probeBlas(blasInWheel(folder)) } : { missing: `no folder ${folder}` };
}

/** @returns the path of the library in a folder that a wheel was unpacked to. */
export function blasInWheel(folder: string): string {
  const target = thisTarget();
  const [member = ''] = target === undefined ? [] : blasWheels[target].members;
  return join(folder, basename(member));
}

const folders = [
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/usr/lib64',
  '/usr/lib',
  '/usr/local/lib',
  '/opt/homebrew/opt/openblas/lib',
  '/usr/local/opt/openblas/lib',
];
const names = ['libopenblas.so.0', 'libopenblas.so', 'libopenblas.dylib'];

function lookInSystem(): Look<Blas> {
  const files = folders.flatMap((folder) => names.map((name) => join(folder, name))).filter((file) => existsSync(file));
  const failures: string[] = [];
  for (const file of files) {
    try {
      return { found: probeBlas(file) };
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  return { missing: failures.join('; ') || 'no libopenblas in the usual folders' };
}
