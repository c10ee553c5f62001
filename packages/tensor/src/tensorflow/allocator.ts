import koffi from 'koffi';

/** Parameters of glibc's `mallopt` (`malloc.h`). */
const parameter = { trimThreshold: -1, topPad: -2, mmapThreshold: -3 } as const;

const LARGEST = 2 ** 31 - 1;
const HEAP_STEP_BYTES = 2 ** 28;

/**
 * Has the C library keep what TensorFlow frees for its next tensors, instead of giving it back to the kernel and faulting it in anew, page by
 * page, in every step. A step of ResNet-50 frees and takes about 1.5 GB. Only glibc has these settings; elsewhere nothing is done.
 *
 * @returns whether the settings were taken. `SHAMPOO_MALLOC=system` leaves the allocator alone.
 */
export function keepFreedMemory(environment: NodeJS.ProcessEnv): boolean {
  if (process.platform !== 'linux' || environment['SHAMPOO_MALLOC'] === 'system') return false;
  let mallopt: (parameter: number, value: number) => number;
  try {
    mallopt = koffi.load(null).func('mallopt', 'int', ['int', 'int']) as typeof mallopt;
  } catch {
    return false; // Another C library than glibc.
  }
  const settings = [
    [parameter.mmapThreshold, LARGEST],
    [parameter.trimThreshold, LARGEST],
    [parameter.topPad, HEAP_STEP_BYTES],
  ] as const;
  return settings.map(([name, value]) => mallopt(name, value) === 1).every(Boolean);
}
