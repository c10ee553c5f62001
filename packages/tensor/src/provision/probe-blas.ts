import type { LibraryHandle } from 'koffi';
import { TensorError } from '../errors.ts';
import { loadLibrary } from '../native-library.ts';

/** A BLAS with LAPACK that was loaded and computes rightly. */
export interface Blas {
  readonly path: string;
  /** What its symbols start with: `scipy_` in the Python wheel, nothing in a system library. */
  readonly prefix: string;
  /** OpenBLAS's own description: version, processor, threads. */
  readonly config: string;
}

const prefixes = ['', 'scipy_'];

/** What the matrix engine calls; a build without LAPACK, or with 64-bit indices, lacks some of it. */
const needed = [
  'openblas_get_config',
  'openblas_set_num_threads',
  'cblas_sgemm',
  'cblas_ssyrk',
  'cblas_sgemv',
  'cblas_somatcopy',
  'ssyevd_',
  'dsyevd_',
];

/**
 * Loads an OpenBLAS, looks for its symbols and has it multiply two matrices.
 *
 * @throws {TensorError} `bad-library` when it doesn't load, lacks a symbol or computes wrongly.
 */
export function probeBlas(path: string): Blas {
  const library = load(path);
  const prefix = prefixes.find((candidate) => has(library, `${candidate}cblas_sgemm`));
  if (prefix === undefined) throw new TensorError('bad-library', `${path} has no cblas_sgemm`, { path });
  const lacking = needed.filter((name) => !has(library, prefix + name));
  if (lacking.length > 0) throw new TensorError('bad-library', `${path} lacks ${lacking.join(', ')}`, { path, lacking });
  if (!multipliesExactly(library, prefix)) {
    throw new TensorError('bad-library', `${path} multiplies matrices wrongly on this processor; a newer OpenBLAS is needed`, {
      path,
    });
  }
  return { path, prefix, config: (library.func(`${prefix}openblas_get_config`, 'str', [])() as string).trim() };
}

function load(path: string): LibraryHandle {
  try {
    return loadLibrary(path);
  } catch (error) {
    throw new TensorError('bad-library', `${path} doesn't load: ${(error as Error).message}`, { path });
  }
}

function has(library: LibraryHandle, name: string): boolean {
  try {
    library.func(name, 'void', []);
    return true;
  } catch {
    return false;
  }
}

const ROW_MAJOR = 101;
const NO_TRANSPOSE = 111;
/** Large enough for the kernels of wide vector units, with edges that don't fill them. */
const SIZE = 67;

/** C = A B for small integers, which float32 holds exactly, so that any order of summing gives the same bits. */
function multipliesExactly(library: LibraryHandle, prefix: string): boolean {
  const integers = ['int', 'int', 'int', 'int', 'int', 'int'];
  const matrices = ['float', 'void *', 'int', 'void *', 'int', 'float', 'void *', 'int'];
  const sgemm = library.func(`${prefix}cblas_sgemm`, 'void', [...integers, ...matrices]);
  const a = Float32Array.from({ length: SIZE * SIZE }, (_, i) => (i % 11) - 5);
  const b = Float32Array.from({ length: SIZE * SIZE }, (_, i) => (i % 7) - 3);
  const c = new Float32Array(SIZE * SIZE);
  sgemm(ROW_MAJOR, NO_TRANSPOSE, NO_TRANSPOSE, SIZE, SIZE, SIZE, 1, a, SIZE, b, SIZE, 0, c, SIZE);
  return c.every((value, i) => {
    let sum = 0;
    for (let k = 0; k < SIZE; k++) sum += (a[i - (i % SIZE) + k] as number) * (b[k * SIZE + (i % SIZE)] as number);
    return value === sum;
  });
}
