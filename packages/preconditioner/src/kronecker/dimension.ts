import type { Frame, MatrixEngine, Precision, Slot } from '@distributed-shampoo/tensor';
import type { BlockState, RefreshJob, RefreshOutcome, SharedOptions } from '../preconditioner.ts';
import type { Factor } from './factor-storage.ts';
import { type FactorAverage, factorCorrection } from './factors.ts';
import type { PlacePool } from './place-pool.ts';

/** What a factor is turned into at a refresh, by name: `root`, `vectors`, `values`. */
export type Kept = Readonly<Record<string, Slot>>;

/** How a factor becomes what a step multiplies by: a root, an eigenbasis, or both. */
export interface RefreshMethod<Scratch extends { readonly matrix: Slot } = { readonly matrix: Slot }> {
  /** What is kept from refresh to refresh for a factor of order n: shapes by name. */
  keeps(stack: number, n: number): Readonly<Record<string, readonly number[]>>;
  /** Lays out what a refresh needs; its `matrix`, `[stack, n, n]`, will hold the scaled factor, lower triangle. */
  scratch(frame: Frame, stack: number, n: number): Scratch;
  /** Issues the operations from `scratch.matrix` to all of `next`. */
  compute(slots: RefreshSlots<Scratch>, exponent: number): void;
  /** Writes what is kept before the first refresh, on the host. */
  start(kept: Kept, exponent: number): void;
  /** The kept slot whose norm shows whether all came out finite. */
  readonly witness: string;
}

/** Slots of one refresh. */
export interface RefreshSlots<Scratch> {
  readonly next: Kept;
  readonly previous: Kept;
  /** `[stack, 1]`, 0 where the result is good. */
  readonly status: Slot;
  readonly scratch: Scratch;
}

/** One dimension of a block that is preconditioned. */
export interface Dimension {
  readonly factor: Factor;
  /** Other slots after each refresh. */
  kept: Kept;
  readonly exponent: number;
  readonly scratch: { readonly matrix: Slot };
  readonly status: Slot;
  readonly norm: Slot;
}

/** Lays out a dimension. Before the engine opens. */
export function layOutDimension(engine: MatrixEngine, method: RefreshMethod, factor: Factor, exponent: number): Dimension {
  const { stack, order: n } = factor;
  const kept = Object.entries(method.keeps(stack, n)).map(([name, shape]) => [name, engine.allocate(shape)]);
  return {
    factor,
    kept: Object.fromEntries(kept) as Kept,
    exponent,
    scratch: method.scratch(engine.frame(), stack, n),
    status: engine.allocate([stack, 1]),
    norm: engine.allocate([stack, 1]),
  };
}

/** How factors are scaled before they are refreshed. */
export interface FactorScaling extends Pick<SharedOptions, 'epsilon'> {
  readonly average: FactorAverage;
  readonly traceScaling: boolean;
  readonly traceScalingExponent: number;
}

/** What a refresh of any dimension is done with. */
export interface Refresher {
  readonly engine: MatrixEngine;
  readonly method: RefreshMethod;
  readonly pool: PlacePool;
  readonly scaling: FactorScaling;
}

/**
 * The refresh of one dimension: `A = factor / c2`, scaled by its trace where asked for, goes through the method; the result takes the place of the old one
 * if it is good.
 *
 * @param onInstall is given the old slots, and keeps them from being used again until it calls its second parameter.
 * @see spec/preconditioner.md, 2.5 and 2.6.
 */
export function refreshJob(
  { engine, method, pool, scaling }: Refresher,
  one: Dimension,
  {
    count,
    onInstall = (_old, give) => give(),
  }: { readonly count: number; readonly onInstall?: (old: Kept, give: () => void) => void },
): RefreshJob {
  const next: Kept = Object.fromEntries(Object.entries(one.kept).map(([name, { shape }]) => [name, pool.take(shape)]));
  const giveAll = (slots: Kept) => {
    for (const slot of Object.values(slots)) pool.give(slot);
  };
  return {
    cost: one.factor.order ** 3,
    run() {
      engine.scaleFactor(one.scratch.matrix, one.factor.read(one.scratch.matrix), {
        scale: 1 / factorCorrection(scaling.average, count),
        traceExponent: scaling.traceScaling ? scaling.traceScalingExponent : 0,
        traceFloor: scaling.epsilon,
      });
      method.compute({ next, previous: one.kept, status: one.status, scratch: one.scratch }, one.exponent);
      engine.norm(one.norm, next[method.witness] as Slot);
    },
    install() {
      const outcome = judge(engine.values(one.status), engine.values(one.norm));
      if (!outcome.ok) giveAll(next);
      else {
        const old = one.kept;
        one.kept = next;
        onInstall(old, () => giveAll(old));
      }
      return outcome;
    },
  };
}

function judge(status: ArrayLike<number>, norms: ArrayLike<number>): RefreshOutcome {
  for (let member = 0; member < status.length; member++) {
    if (status[member] !== 0) return { ok: false, reason: `the matrix function did not converge (status ${status[member]})` };
    if (!Number.isFinite(norms[member])) return { ok: false, reason: 'the result is not finite' };
  }
  return { ok: true };
}

/** Slots of a block's dimensions as a checkpoint names them: `factor 0`, `root 0`, ... */
export function dimensionSlots(dimensions: readonly (Dimension | null)[]): BlockState {
  const named: Record<string, Slot> = {};
  for (const [d, one] of dimensions.entries()) {
    if (one === null) continue;
    named[`factor ${d}`] = one.factor.slot;
    for (const [name, slot] of Object.entries(one.kept)) named[`${name} ${d}`] = slot;
  }
  return named;
}

/** Up to this order a decomposition in float64 takes under a millisecond more (0.4 ms at 128), so accuracy is free. */
const FREE_FLOAT64_ORDER = 128;

/** The precision of a decomposition of order n. */
export const precisionFor = (option: Precision | 'auto', n: number): Precision =>
  option !== 'auto' ? option : n <= FREE_FLOAT64_ORDER ? 'float64' : 'float32';

/** Writes a multiple of the identity, on the host. */
export function writeIdentity(engine: MatrixEngine, slot: Slot, diagonal: (i: number) => number = () => 1): void {
  const [stack, n] = slot.shape as [number, number];
  const values = engine.values(slot).fill(0);
  for (let member = 0; member < stack; member++) for (let i = 0; i < n; i++) values[member * n * n + i * (n + 1)] = diagonal(i);
}
