import type { Slot } from '@distributed-shampoo/tensor';
import {
  createPreconditioner,
  type PreconditionerInput,
  preconditionerOptions,
  type RefreshOutcome,
  type SharedOptions,
} from '../src/index.ts';
import { withEngine } from './on-engine.ts';

/** A preconditioner alone: what an optimizer does with it, step by step, without averages of gradients. */
export interface Driven {
  /** Takes a gradient in. @returns its direction, and what became of the roots where they were due. */
  step(
    gradient: ArrayLike<number>,
    how?: { readonly refresh?: boolean },
  ): {
    readonly direction: number[];
    readonly outcomes: readonly RefreshOutcome[];
  };
  /** What a checkpoint would hold, by name. */
  slot(name: string): number[];
  readonly names: readonly string[];
  readonly rounding: number;
}

/** What to drive: one block of a shape without its stack. */
export interface Drive {
  readonly engine: string;
  readonly options: PreconditionerInput;
  readonly shape: readonly number[];
  readonly shared?: Partial<SharedOptions>;
}

/** Drives a preconditioner over a block on a new engine. */
export function drive<Result>({ engine: name, options, shape, shared }: Drive, use: (driven: Driven) => Result): Result {
  const stacked = [1, ...shape];
  return withEngine(
    name,
    (engine, frame) => {
      const method = createPreconditioner(engine, preconditionerOptions.parse(options), {
        epsilon: 1e-12,
        beta2: 1,
        useBiasCorrection: true,
        outputs: 'rows',
        compatibility: 'default',
        ...shared,
      });
      const state = method.initial(stacked, frame);
      method.reserve([stacked]);
      return { method, state, gradient: engine.allocate(stacked), direction: engine.allocate(stacked) };
    },
    (engine, { method, state, gradient, direction }) => {
      method.start(state);
      let count = 0;
      return use({
        step(numbers, { refresh = false } = {}) {
          count += 1;
          engine.values(gradient).set(Array.from(numbers));
          engine.parallel([() => method.observe(state, gradient, count)]);
          const jobs = refresh ? method.refresh(state, count) : [];
          engine.parallel(jobs.map(({ run }) => run));
          const outcomes = jobs.map(({ install }) => install());
          if (refresh) engine.parallel([() => method.afterRefresh(state)]);
          engine.parallel([
            () => {
              method.observeAgain(state, gradient, count);
              method.apply(state, direction, gradient, count);
            },
          ]);
          return { direction: Array.from(engine.values(direction)), outcomes };
        },
        slot: (slotName) => Array.from(engine.values(method.slots(state)[slotName] as Slot)),
        names: Object.keys(method.slots(state)),
        rounding: engine.machineEpsilon,
      });
    },
  );
}
