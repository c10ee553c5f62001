import { loadLibrary } from '../../native-library.ts';

/** Where a BLAS with LAPACK lies, and what its symbols start with: `scipy_` in the Python wheel, nothing in a system library. */
export interface BlasLibrary {
  readonly path: string;
  readonly prefix: string;
}

/** The routines of BLAS and LAPACK that the engine calls. Addresses are numbers; matrices are float32 and row-major unless said otherwise. */
export interface Blas {
  /** `C <- alpha op(A) op(B) + beta C`. */
  readonly gemm: (
    order: number,
    transA: number,
    transB: number,
    m: number,
    n: number,
    k: number,
    alpha: number,
    a: number,
    lda: number,
    b: number,
    ldb: number,
    beta: number,
    c: number,
    ldc: number,
  ) => void;
  /** `C <- alpha A A^T + beta C`, or `A^T A`, one triangle. */
  readonly syrk: (
    order: number,
    uplo: number,
    trans: number,
    n: number,
    k: number,
    alpha: number,
    a: number,
    lda: number,
    beta: number,
    c: number,
    ldc: number,
  ) => void;
  /** `y <- alpha op(A) x + beta y`. */
  readonly gemv: (
    order: number,
    trans: number,
    m: number,
    n: number,
    alpha: number,
    a: number,
    lda: number,
    x: number,
    incx: number,
    beta: number,
    y: number,
    incy: number,
  ) => void;
  /** `B <- alpha A^T`. */
  readonly omatcopy: (
    order: number,
    trans: number,
    rows: number,
    columns: number,
    alpha: number,
    a: number,
    lda: number,
    b: number,
    ldb: number,
  ) => void;
  /** LAPACK, column-major, every argument by address. */
  readonly ssyevd: SymmetricEigensolver;
  readonly dsyevd: SymmetricEigensolver;
  /** `sgeqrf(m, n, a, lda, tau, work, lwork, info)`: Householder QR, in place. */
  readonly sgeqrf: (...addresses: Addresses<8>) => void;
  /** `sorgqr(m, n, k, a, lda, tau, work, lwork, info)`: Q out of its reflectors. */
  readonly sorgqr: (...addresses: Addresses<9>) => void;
  /** `sgesdd(jobz, m, n, a, lda, s, u, ldu, vt, ldvt, work, lwork, iwork, info)`, by address, and the length of the string. */
  readonly sgesdd: (...addressesAndLength: Addresses<15>) => void;
}

/** As many numbers. */
type Addresses<Count extends number, Found extends number[] = []> = Found['length'] extends Count
  ? Found
  : Addresses<Count, [...Found, number]>;

/** `?syevd(jobz, uplo, n, a, lda, w, work, lwork, iwork, liwork, info)`, all by address, and the lengths of both strings. */
export type SymmetricEigensolver = (
  jobz: number,
  uplo: number,
  n: number,
  a: number,
  lda: number,
  w: number,
  work: number,
  lwork: number,
  iwork: number,
  liwork: number,
  info: number,
  l1: number,
  l2: number,
) => void;

export const ROW_MAJOR = 101;
export const NO_TRANSPOSE = 111;
export const TRANSPOSE = 112;
export const LOWER = 122;

/**
 * Binds the routines and sets the library's own threads to 1: they make small matrices up to 100 times slower, and lanes do better.
 *
 * @throws what the dynamic linker says when the library or a symbol is missing.
 */
export function loadBlas({ path, prefix }: BlasLibrary): Blas {
  const library = loadLibrary(path);
  const bind = (result: string, name: string, parameters: string) => library.func(`${result} ${prefix}${name}(${parameters})`);
  bind('void', 'openblas_set_num_threads', 'int threads')(1);
  const eigensolver = (name: string) =>
    bind(
      'void',
      name,
      'intptr_t jobz, intptr_t uplo, intptr_t n, intptr_t a, intptr_t lda, intptr_t w, intptr_t work, intptr_t lwork, intptr_t iwork, intptr_t liwork, intptr_t info, size_t l1, size_t l2',
    ) as SymmetricEigensolver;
  const byAddress = (name: string, count: number, strings = 0) =>
    bind(
      'void',
      name,
      [...new Array(count).fill('intptr_t'), ...new Array(strings).fill('size_t')].map((type, i) => `${type} p${i}`).join(', '),
    );
  return {
    gemm: bind(
      'void',
      'cblas_sgemm',
      'int order, int ta, int tb, int m, int n, int k, float alpha, intptr_t a, int lda, intptr_t b, int ldb, float beta, intptr_t c, int ldc',
    ) as Blas['gemm'],
    syrk: bind(
      'void',
      'cblas_ssyrk',
      'int order, int uplo, int trans, int n, int k, float alpha, intptr_t a, int lda, float beta, intptr_t c, int ldc',
    ) as Blas['syrk'],
    gemv: bind(
      'void',
      'cblas_sgemv',
      'int order, int trans, int m, int n, float alpha, intptr_t a, int lda, intptr_t x, int incx, float beta, intptr_t y, int incy',
    ) as Blas['gemv'],
    omatcopy: bind(
      'void',
      'cblas_somatcopy',
      'int order, int trans, int rows, int columns, float alpha, intptr_t a, int lda, intptr_t b, int ldb',
    ) as Blas['omatcopy'],
    ssyevd: eigensolver('ssyevd_'),
    dsyevd: eigensolver('dsyevd_'),
    sgeqrf: byAddress('sgeqrf_', 8) as Blas['sgeqrf'],
    sorgqr: byAddress('sorgqr_', 9) as Blas['sorgqr'],
    sgesdd: byAddress('sgesdd_', 14, 1) as Blas['sgesdd'],
  };
}
