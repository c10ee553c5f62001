import type { Frame, MatrixEngine, Slot } from '@distributed-shampoo/tensor';
import type { BlockState, GraftingMethod, Preconditioner, RefreshJob } from './preconditioner.ts';

/** State of a block whose step length comes from another method. */
export interface GraftedState {
  readonly main: unknown;
  readonly grafting: unknown;
  /** Norms of both directions, `[stack, 1]`, scratch. */
  readonly mainNorm: Slot;
  readonly graftingNorm: Slot;
}

/** A main preconditioner, and the method it is grafted on, if any. */
export interface Method {
  initial(shape: readonly number[], frame: Frame): GraftedState;
  reserve(shapes: readonly (readonly number[])[]): void;
  start(state: GraftedState): void;
  slots(state: GraftedState): BlockState;
  observe(state: GraftedState, gradient: Slot, count: number): void;
  observeAgain(state: GraftedState, gradient: Slot, count: number): void;
  refresh(state: GraftedState, count: number): readonly RefreshJob[];
  afterRefresh(state: GraftedState): void;
  refreshCost(shape: readonly number[]): number;
  /** The direction; that of the grafted method alone while `graftingLeads` (before the first refresh). */
  apply(
    state: GraftedState,
    direction: Slot,
    filtered: Slot,
    at: { readonly count: number; readonly graftingLeads: boolean },
  ): void;
}

/**
 * Joins a preconditioner and a grafted method, block by block:
 *
 *     P <- P_main |P_grafting| / (|P_main| + 1e-16)
 *
 * The direction is the main method's, its length the other's. Both see every gradient from the first on. Without grafting P = P_main.
 *
 * @see spec/preconditioner.md, 4.
 */
export function grafted(engine: MatrixEngine, main: Preconditioner, grafting: GraftingMethod | null): Method {
  return {
    initial: (shape, frame) => ({
      main: main.initial(shape, frame),
      grafting: grafting?.initial(shape, frame) ?? null,
      mainNorm: frame.allocate([shape[0] as number, 1]),
      graftingNorm: frame.allocate([shape[0] as number, 1]),
    }),
    reserve: (shapes) => main.reserve(shapes),
    start(state) {
      main.start(state.main);
      grafting?.start(state.grafting);
    },
    slots(state) {
      const prefixed = (prefix: string, slots: BlockState) =>
        Object.fromEntries(Object.entries(slots).map(([name, slot]) => [`${prefix} ${name}`, slot]));
      return { ...main.slots(state.main), ...prefixed('grafting', grafting?.slots(state.grafting) ?? {}) };
    },
    observe(state, gradient, count) {
      main.observe(state.main, gradient, count);
      grafting?.observe(state.grafting, gradient, count);
    },
    observeAgain(state, gradient, count) {
      main.observeAgain(state.main, gradient, count);
      grafting?.observeAgain(state.grafting, gradient, count);
    },
    refresh: (state, count) => main.refresh(state.main, count),
    afterRefresh: (state) => main.afterRefresh(state.main),
    refreshCost: (shape) => main.refreshCost(shape),
    apply(state, direction, filtered, { count, graftingLeads }) {
      if (grafting !== null && graftingLeads) {
        grafting.apply(state.grafting, direction, filtered, count);
        return;
      }
      // Before the direction: what filtered the gradient has just left it in the cache.
      grafting?.norm(state.grafting, state.graftingNorm, filtered, count);
      main.apply(state.main, direction, filtered, count);
      if (grafting === null) return;
      engine.norm(state.mainNorm, direction);
      engine.rescale(direction, state.graftingNorm, state.mainNorm);
    },
  };
}
