import koffi, { type LibraryHandle } from 'koffi';

/** Linux and macOS number these flags of `dlopen` differently. */
const flags = process.platform === 'darwin' ? { now: 0x2, global: 0x8, keep: 0x80 } : { now: 0x2, global: 0x100, keep: 0x1000 };

/** How a library is loaded. */
export interface LoadOptions {
  /** Offers its symbols to libraries that are loaded later, as `libtensorflow_framework` must to `libtensorflow_cc`. */
  readonly global?: boolean;
}

/**
 * Loads a native library for the life of the process.
 *
 * koffi unloads what it loaded when Node.js ends; a library whose own threads still run then crashes the process after its work is
 * done (measured: TensorFlow 2.21, exit by signal 11). `RTLD_NODELETE` keeps it mapped.
 *
 * @throws what the dynamic linker says when the file is missing, or is not a library for this machine.
 */
export function loadLibrary(path: string, { global = false }: LoadOptions = {}): LibraryHandle {
  if (process.platform !== 'win32') {
    const dlopen = koffi.load(null).func('dlopen', 'intptr_t', ['str', 'int']) as (path: string, mode: number) => number;
    dlopen(path, flags.now | flags.keep | (global ? flags.global : 0));
  }
  // Where dlopen refused, this throws with the linker's own sentence.
  return koffi.load(path, { global });
}
