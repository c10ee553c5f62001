import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Target, Wheel } from './wheels.ts';

/** Where engines are kept, outside of any checkout: `SHAMPOO_CACHE`, else `distributed-shampoo` in the user's cache folder. */
export function cacheFolder(environment: NodeJS.ProcessEnv): string {
  const chosen = environment['SHAMPOO_CACHE'];
  if (chosen) return chosen;
  return join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'distributed-shampoo');
}

/** Where a wheel's libraries lie once they are there; the name tells version and machine, so that two of them never mix. */
export function wheelFolder(cache: string, wheel: Wheel, target: Target): string {
  return join(cache, `${wheel.project}-${wheel.version}-${target}`);
}

/** Where TensorFlow for GPUs lies with its CUDA libraries. */
export function gpuFolder(cache: string, wheels: readonly Wheel[]): string {
  return join(cache, `tensorflow-gpu-${wheels[0]?.version}-linux-x64`);
}

/** Where a wheel lies of several that become one folder, until all of them are there. */
export function partialFolder(cache: string, wheel: Wheel): string {
  return join(cache, `partial-${wheel.project}-${wheel.version}`);
}
