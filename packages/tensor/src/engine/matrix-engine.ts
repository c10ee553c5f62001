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
   * (`traceExponent` 0: `s = scale`). Lower triangle read and written.
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

  // ---- elements: all operands have the same number of elements ----

  /** `y <- a x + b y`; `b` 0 does not read y, so it copies and scales. */
  combine(y: Slot, x: Slot, how: { readonly a: number; readonly b: number }): void;
  /** `out <- a + weight (b - a)` where weight < 0.5, else `b - (b - a) (1 - weight)`. `out` may be `a`. */
  lerp(out: Slot, a: Slot, b: Slot, how: { readonly weight: number }): void;
  /** `v <- decay v + weight x^2`. */
  addSquares(v: Slot, x: Slot, how: { readonly decay: number; readonly weight: number }): void;
  /** `out <- x / (sqrt(v / correction) + epsilon)`. */
  divideByRoot(out: Slot, x: Slot, v: Slot, how: DivideByRoot): void;
  /** `norm <- |x|` per member of the stack, accumulated in float64. @param norm `[stack, 1]` */
  norm(norm: Slot, x: Slot): void;
  /** `norm <- |x / (sqrt(v / correction) + epsilon)|` without storing the quotient. @param norm `[stack, 1]` */
  normOfQuotient(norm: Slot, x: Slot, v: Slot, how: DivideByRoot): void;
  /** `x <- x (target / (current + 1e-16))`: gives x, whose norm is `current`, the norm `target`. @param target,current `[stack, 1]` */
  rescale(x: Slot, target: Slot, current: Slot): void;

  /** Ends the lanes. The memory belongs to whoever gave it. May be called twice. */
  dispose(): void;
}

/** A place in an engine's arena: `shape` is `[stack, ...dims]`. Only the engine that made it knows where it lies. */
export interface Slot {
  readonly shape: readonly number[];
}

/** Flat float32 buffers that an engine shares with its surroundings: all blocks of all ranks, or of this rank alone (`weights`). */
export type FlatBuffer = 'gradients' | 'directions' | 'weights';

/** Scratch slots of one task. */
export interface Frame {
  allocate(shape: readonly number[]): Slot;
  /** Makes room for what `eigh` of order n works with besides its operands. */
  reserveEigh(n: number, precision: Precision): void;
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

export interface DivideByRoot {
  readonly correction: number;
  readonly epsilon: number;
}
