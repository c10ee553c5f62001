import type { Frame, MatrixEngine, Precision, Slot } from '@distributed-shampoo/tensor';
import { copy, multiply } from './matrix-powers.ts';

/** How a basis is brought up to date. */
export type EigenbasisOptions = {
  /** Added to the diagonal first. */
  readonly shift: number;
  /** Share of the matrix that may lie beside the diagonal in the old basis: then it stays. */
  readonly tolerance: number;
  /** Measure that share by a difference that cancels, as the reference does. */
  readonly cancelling: boolean;
} & (
  | { readonly method: 'eigh'; readonly precision: Precision }
  /** Orthogonal iteration from the old basis. `largestFirst` false starts from the smallest eigenvalue, as the reference does. */
  | { readonly method: 'qr'; readonly maxIterations: number; readonly largestFirst: boolean }
);

/** Scratch of one basis, `[stack, n, n]` where nothing else is said. */
export interface EigenbasisScratch {
  /** Holds A, lower triangle, when the basis is taken; both triangles of A + shift I afterwards. */
  readonly matrix: Slot;
  readonly product: Slot;
  readonly turned: Slot;
  /** `[stack, 1]`. */
  readonly share: Slot;
  readonly stop: Slot;
}

/** Lays out what a basis of order n needs. */
export function eigenbasisScratch(
  frame: Frame,
  [stack, n]: readonly [number, number],
  how: { readonly method: 'eigh'; readonly precision: Precision } | { readonly method: 'qr' },
): EigenbasisScratch {
  frame.reserve(how.method === 'eigh' ? { operation: 'eigh', n, precision: how.precision } : { operation: 'orthonormalRows', n });
  return {
    matrix: frame.allocate([stack, n, n]),
    product: frame.allocate([stack, n, n]),
    turned: frame.allocate([stack, n, n]),
    share: frame.allocate([stack, 1]),
    stop: frame.allocate([stack, 1]),
  };
}

/** Old and new basis; rows are eigenvectors. */
export interface EigenbasisSlots {
  /** `[stack, n, n]`, read. */
  readonly previous: Slot;
  /** `[stack, n, n]`, written; another slot. */
  readonly vectors: Slot;
  /** `[stack, n]`, written. */
  readonly values: Slot;
  /** `[stack, 1]`, 0 where the basis is good. */
  readonly status: Slot;
  readonly scratch: EigenbasisScratch;
}

/**
 * The eigenbasis of `A' = A + shift I`, from the one of the last time, V:
 *
 *     B = V A' V^T;  where |B - diag B| <= tolerance |B|: V stays, l = diag B      (only where tolerance > 0)
 *     eigh:  V, l by decomposition, l ascending
 *     qr:    V <- orthonormal rows of V A', again until B is as above or maxIterations; l_i = v_i A' v_i; sorted ascending
 *
 * Rows are made orthonormal from the one of the largest l down. A round takes v_i nearer the i-th largest eigenvector by l_(i+1) / l_i; begun from the
 * smallest it takes v_i away from where sorting has put it, by the same factor, and one round a refresh never comes to rest.
 *
 * QR of `A' V^T` gives the basis that QR of `V A' V^T` turns the old one to, with a product less, and orthogonal to rounding each time.
 *
 * @see spec/preconditioner.md, 1.2 and 8.3.
 */
export function eigenbasis(engine: MatrixEngine, slots: EigenbasisSlots, options: EigenbasisOptions): void {
  const { previous, vectors, values, status, scratch } = slots;
  const { matrix, product, stop } = scratch;
  const { shift, tolerance } = options;
  if (options.method === 'eigh' && tolerance === 0) {
    copy(engine, vectors, matrix);
    engine.eigh(values, vectors, status, { diagonal: shift, precision: options.precision });
    return;
  }
  engine.mirror(matrix);
  engine.addDiagonal(matrix, { value: shift });
  copy(engine, vectors, previous);
  engine.fill(status, { value: 0 });
  engine.fill(stop, { value: 0 });
  if (tolerance > 0) measure(engine, slots, options);
  if (options.method === 'eigh') {
    engine.repeat(stop, { max: 1 }, () => {
      copy(engine, vectors, matrix);
      engine.eigh(values, vectors, status, { diagonal: 0, precision: options.precision });
    });
    return;
  }
  engine.repeat(stop, { max: options.maxIterations }, () => {
    multiply(engine, product, vectors, matrix);
    if (options.largestFirst) {
      engine.rowDots(values, vectors, product);
      engine.combine(values, values, { a: -1, b: 0 });
      engine.sortRows(values, product);
    }
    copy(engine, vectors, product);
    engine.orthonormalRows(vectors, status);
    if (tolerance > 0) measure(engine, slots, options);
  });
  multiply(engine, product, vectors, matrix);
  engine.rowDots(values, vectors, product);
  engine.sortRows(values, vectors);
  if (options.maxIterations === 0) {
    // No solver has looked at the matrix.
    engine.norm(scratch.share, values);
    engine.threshold(status, scratch.share, { limit: LARGEST, below: 0, above: 1, nan: 1 });
  }
}

/** The largest number of float32: a norm beyond it is not finite on every engine. */
const LARGEST = 3.4028234663852886e38;

/** Sets `stop` where the vectors diagonalise the matrix well enough, and the values to the diagonal. */
function measure(
  engine: MatrixEngine,
  { vectors, values, scratch }: EigenbasisSlots,
  { tolerance, cancelling }: EigenbasisOptions,
): void {
  const { matrix, product, turned, share, stop } = scratch;
  multiply(engine, product, vectors, matrix);
  engine.modeProduct(turned, product, vectors, { mode: 1, transpose: true });
  engine.diagonal(values, turned);
  engine.offDiagonal(share, turned, { cancelling });
  engine.threshold(stop, share, { limit: tolerance, below: 1, above: 0, nan: 0 });
}
