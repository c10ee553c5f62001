import type { SpectrumPower } from './spectrum.ts';

/**
 * The arithmetic of preconditioners behind one interface, so that a formula is written once and runs on shared memory (`blas`), in
 * float64 arrays (`reference`) or on tensors.
 *
 * Every operation takes its destination first, writes in place and returns nothing. Slots are laid out before the first operation and
 * live in one arena: a steady step allocates nothing. The leading dimension of a slot is its *stack*: `[stack, ...dims]` holds `stack`
 * equal blocks, and an operation treats each of them alike and alone.
 */
export interface MatrixEngine {
  readonly name: 'blas' | 'tfjs' | 'reference';
  /** Threads that share the tasks of `parallel`, the calling one included. */
  readonly lanes: number;
  /** Distance from 1 to the next number that a slot can hold: 2^-23 for float32. */
  readonly machineEpsilon: number;

  // ---- layout: before `open` ----

  /** State that lives until `dispose`, zero at first. */
  allocate(shape: readonly number[]): Slot;
  /** A part of a flat float32 buffer that others read and write too (gradients, directions), starting at `offset` elements. */
  overlay(buffer: FlatBuffer, offset: number, shape: readonly number[]): Slot;
  /** Whether packed triangles of this precision can be laid out. */
  packs(precision: PackedPrecision): boolean;
  /**
   * State that holds lower triangles of order n, row after row: n (n + 1) / 2 numbers, in bfloat16 two of them in each place, the first in its
   * lower half. `[stack, places]`, see `packedPlaces`; zero at first. What `values` gives of it are places, not numbers.
   * @throws {TensorError} `unsupported` where `packs` says so.
   */
  allocatePacked(order: readonly [stack: number, n: number], how: Packing): Slot;
  /** Scratch of one task. Frames lie over one another, and each lane has its own copy: nothing in a frame outlives its task. */
  frame(): Frame;
  /** Bytes of arena that `open` will use, lanes' scratch and command queue included. */
  readonly arenaBytes: number;
  /** Fixes the layout in memory. @throws {TensorError} `bad-layout` when called twice or when the memory is too small. */
  open(place: Place): void;

  // ---- running: after `open` ----

  /**
   * Runs independent tasks on all lanes and returns when every one is done. A task issues operations, in order; tasks must not touch
   * each other's destinations. Tasks are taken in the given order, so give the dearest first.
   */
  parallel(tasks: readonly Task[]): void;
  /**
   * Gives tasks to the other lanes and returns at once. They are done when `finish` has returned; any other call of the engine finishes them first. With one lane, and on
   * engines that have no threads, they run in `start` or `finish`.
   */
  start(tasks: readonly Task[]): void;
  /** Helps with what `start` began, and returns when every task is done. */
  finish(): void;
  /**
   * The numbers of a slot as they stand, which may be written to: a view, good until the next operation. For saving, loading and what is decided on the
   * host, not within a task.
   */
  values(slot: Slot): Float32Array | Float64Array;

  // ---- matrices ----

  /**
   * Mode Gram matrix, averaged into a factor: `F <- decay F + weight X(k) X(k)^T`, X(k) the unfolding `[d_k, rest]` of X at `mode`.
   * Only the lower triangle of F is written. `decay` 0 does not read F.
   * @param factor `[stack, d_k, d_k]`  @param x `[stack, ...dims]`
   */
  modeGram(factor: Slot, x: Slot, how: ModeGram): void;
  /**
   * Mode product: contracts axis `mode` of X with axis 0 of the matrix (axis 1 where `transpose`): `out = X x_k M`.
   * For a matrix: mode 0 gives `M^T X`, mode 1 gives `X M`. `out` must not overlap an operand.
   * @param out `[stack, ..., e, ...]`  @param x `[stack, ..., d, ...]`  @param matrix `[stack, d, e]`, or `[stack, e, d]` where `transpose`
   */
  modeProduct(out: Slot, x: Slot, matrix: Slot, how: ModeProduct): void;
  /**
   * Takes a factor to its decomposition: `out <- s F`, `s = scale max(scale tr F, traceFloor)^(-traceExponent)`
   * (`traceExponent` 0: `s = scale`). Lower triangle read and written; `out` may be `factor`.
   */
  scaleFactor(out: Slot, factor: Slot, how: ScaleFactor): void;
  /**
   * Symmetric eigendecomposition in place, `A + diagonal I = V^T diag(l) V`: on return **row** i of `vectors` is the eigenvector of
   * `values[i]`, ascending. Reads the lower triangle of what `vectors` held. `status` becomes 0, or not 0 where the solver failed, as on NaN and infinity.
   * `precision: 'float64'` adds and decomposes in double precision and rounds the result.
   * @param values `[stack, n]`  @param vectors `[stack, n, n]`  @param status `[stack, 1]`
   */
  eigh(values: Slot, vectors: Slot, status: Slot, how: Eigh): void;
  /** Eigenvalues to powers in place, by the rule for rank-deficient matrices: see `spectrumPower`. @param values `[stack, n]` */
  spectrumPower(values: Slot, how: SpectrumPower): void;
  /** Row i of M times `factors[i]`, in place. @param matrix `[stack, m, n]`  @param factors `[stack, m]` */
  scaleRows(matrix: Slot, factors: Slot): void;
  /** Copies the lower triangle onto the upper one. @param matrix `[stack, n, n]` */
  mirror(matrix: Slot): void;
  /**
   * Lower triangle to a packed one; bfloat16 rounds to nearest, ties to even. @param out of `allocatePacked`, in the same precision
   * @param matrix `[stack, n, n]`
   */
  packLower(out: Slot, matrix: Slot, how: Packing): void;
  /**
   * A packed triangle to the lower triangle of a square; what lies above the diagonal afterwards is not specified. @param matrix `[stack, n, n]`
   * @param packed of `allocatePacked`, in the same precision
   */
  unpackLower(matrix: Slot, packed: Slot, how: Packing): void;
  /** `M <- I`. @param matrix `[stack, n, n]` */
  identity(matrix: Slot): void;
  /** `M <- M + value I`. @param matrix `[stack, n, n]` */
  addDiagonal(matrix: Slot, how: { readonly value: number }): void;
  /** `M <- M + max(relative s, least) I`. @param matrix `[stack, n, n]`  @param s `[stack, 1]` */
  addScaledDiagonal(matrix: Slot, s: Slot, how: { readonly relative: number; readonly least: number }): void;
  /** `out <- diag M`. @param out `[stack, n]`  @param matrix `[stack, n, n]` */
  diagonal(out: Slot, matrix: Slot): void;
  /** `out <- tr M`. @param out `[stack, 1]`  @param matrix `[stack, n, n]` */
  trace(out: Slot, matrix: Slot): void;
  /** `out <- max_i sum_j |m_ij|`. @param out `[stack, 1]`  @param matrix `[stack, n, n]` */
  largestRowSum(out: Slot, matrix: Slot): void;
  /** `out <- max |M - I|`; NaN where an entry is. @param out `[stack, 1]`  @param matrix `[stack, n, n]` */
  distanceFromIdentity(out: Slot, matrix: Slot): void;
  /**
   * Share of M beside its diagonal, `out <- |M - diag M| / |M|`, 0 for M = 0. `cancelling` computes `sqrt(|M|^2 - |diag M|^2) / |M|` in the slots'
   * own precision, NaN where rounding makes the difference negative: what the reference does.
   * @param out `[stack, 1]`  @param matrix `[stack, n, n]`
   */
  offDiagonal(out: Slot, matrix: Slot, how: { readonly cancelling: boolean }): void;
  /** `out_i <- sum_j a_ij b_ij`. @param out `[stack, n]`  @param a,b `[stack, n, m]` */
  rowDots(out: Slot, a: Slot, b: Slot): void;
  /**
   * Makes the rows orthonormal in place: row i becomes a unit vector within the span of rows 0 to i, by Householder reflections; its sign is free. `status` as in `eigh`.
   * @param matrix `[stack, n, n]`  @param status `[stack, 1]`
   */
  orthonormalRows(matrix: Slot, status: Slot): void;
  /** Sorts values ascending, equal ones in their order, and rows with them. @param values `[stack, n]`  @param matrix `[stack, n, m]` */
  sortRows(values: Slot, matrix: Slot): void;
  /**
   * The orthogonal factor of a matrix, `out <- U V^T` of its singular value decomposition, and the sum of its singular values. Not unique where X has not full rank.
   * @param out,x `[stack, m, n]`, different slots  @param nuclear `[stack, 1]`
   */
  polarFactor(out: Slot, x: Slot, nuclear: Slot): void;

  // ---- flow within a task: numbers decide ----

  /**
   * Runs the operations of `body` again and again while `stop` is 0, at most `max` times. Of a stack each member goes on for itself: one that has
   * stopped keeps what it has. `body` is called to learn the operations, not once a round.
   * @param stop `[stack, 1]`, which the body may write
   */
  repeat(stop: Slot, how: { readonly max: number }, body: () => void): void;
  /** `flag <- below` where `x <= limit`, `above` where `x > limit`, `nan` where x is NaN. @param flag,x `[stack, 1]` */
  threshold(flag: Slot, x: Slot, how: Threshold): void;
  /** `flag <- 1` where an error no longer falls: `now > growth before`, or `now >= before` below `level`. Else flag stays. @param flag,now,before `[stack, 1]` */
  stalled(flag: Slot, now: Slot, before: Slot, how: { readonly growth: number; readonly level: number }): void;

  // ---- elements: all operands have the same number of elements ----

  /** `y <- a x + b y`; `b` 0 does not read y, so it copies and scales. */
  combine(y: Slot, x: Slot, how: { readonly a: number; readonly b: number }): void;
  /** `out <- a + weight (b - a)` where weight < 0.5, else `b - (b - a) (1 - weight)`. `out` may be `a`. */
  lerp(out: Slot, a: Slot, b: Slot, how: { readonly weight: number }): void;
  /** `x <- value`. */
  fill(x: Slot, how: { readonly value: number }): void;
  /** `x <- factor max(s, least)^power x`, per member of the stack. @param s `[stack, 1]` */
  scaleByPower(x: Slot, s: Slot, how: ScaleByPower): void;
  /** `out <- sign(x)`, 0 where x is 0. */
  sign(out: Slot, x: Slot): void;
  /** `out <- sum |x|` per member of the stack. @param out `[stack, 1]` */
  sumOfMagnitudes(out: Slot, x: Slot): void;
  /** `v <- decay v + weight x^2`. */
  addSquares(v: Slot, x: Slot, how: { readonly decay: number; readonly weight: number }): void;
  /** `out <- x / (sqrt(v / correction) + epsilon)`. */
  divideByRoot(out: Slot, x: Slot, v: Slot, how: DivideByRoot): void;
  /** `out <- x / ((v / correction)^exponent + epsilon)`. */
  divideByPower(out: Slot, x: Slot, v: Slot, how: DivideByRoot & { readonly exponent: number }): void;
  /** `norm <- |x|` per member of the stack, accumulated in float64. @param norm `[stack, 1]` */
  norm(norm: Slot, x: Slot): void;
  /** `norm <- |x / (sqrt(v / correction) + epsilon)|` without storing the quotient. @param norm `[stack, 1]` */
  normOfQuotient(norm: Slot, x: Slot, v: Slot, how: DivideByRoot): void;
  /** `x <- x (target / (current + 1e-16))`: gives x, whose norm is `current`, the norm `target`. @param target,current `[stack, 1]` */
  rescale(x: Slot, target: Slot, current: Slot): void;

  /** Ends the lanes. The memory belongs to whoever gave it. May be called twice. */
  dispose(): void;
}

/** The operations that tasks are made of, beside `repeat`, which is made of them. */
export type Operations = Omit<
  MatrixEngine,
  | 'name'
  | 'repeat'
  | 'lanes'
  | 'machineEpsilon'
  | 'arenaBytes'
  | 'allocate'
  | 'overlay'
  | 'packs'
  | 'allocatePacked'
  | 'frame'
  | 'open'
  | 'parallel'
  | 'start'
  | 'finish'
  | 'values'
  | 'dispose'
>;

/** A place in an engine's arena: `shape` is `[stack, ...dims]`. Only the engine that made it knows where it lies. */
export interface Slot {
  readonly shape: readonly number[];
}

/** Flat float32 buffers that an engine shares with its surroundings: all blocks of all ranks, or of this rank alone (`weights`). */
export type FlatBuffer = 'gradients' | 'directions' | 'weights';

/** Scratch slots of one task. */
export interface Frame {
  allocate(shape: readonly number[]): Slot;
  /** Makes room for what a decomposition works with besides its operands. */
  reserve(work: Workspace): void;
}

/** Where an engine finds its memory. Offsets are bytes. */
export interface Place {
  readonly memory: WebAssembly.Memory;
  /** First byte of the arena, a multiple of 64. */
  readonly arenaOffset: number;
  readonly flatOffsets: Readonly<Record<FlatBuffer, number>>;
}

/** A unit of work for one lane; it issues engine operations and does nothing else. */
export type Task = () => void;

export interface ModeGram {
  readonly mode: number;
  readonly decay: number;
  readonly weight: number;
}

export interface ModeProduct {
  readonly mode: number;
  readonly transpose?: boolean;
}

export interface ScaleFactor {
  readonly scale: number;
  readonly traceExponent: number;
  readonly traceFloor: number;
}

export interface Eigh {
  readonly diagonal: number;
  readonly precision: Precision;
}

/** Of a decomposition; what it reads and returns is in the engine's own. */
export type Precision = 'float32' | 'float64';

/** Of the numbers of a packed triangle. bfloat16 has the range of float32, and 8 bits of its 24. */
export type PackedPrecision = 'float32' | 'bfloat16';

export interface Packing {
  readonly precision: PackedPrecision;
}

/** A decomposition that a task will call. */
export type Workspace =
  | { readonly operation: 'eigh'; readonly n: number; readonly precision: Precision }
  | { readonly operation: 'orthonormalRows'; readonly n: number }
  | { readonly operation: 'polarFactor'; readonly m: number; readonly n: number };

export interface Threshold {
  readonly limit: number;
  readonly below: number;
  readonly above: number;
  readonly nan: number;
}

export interface ScaleByPower {
  readonly factor: number;
  readonly power: number;
  readonly least: number;
}

export interface DivideByRoot {
  readonly correction: number;
  readonly epsilon: number;
}
