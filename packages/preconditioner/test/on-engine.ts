import { createEngine, type Frame, type MatrixEngine, type Slot } from '@distributed-shampoo/tensor';
import { useBackend, useBlas } from '@distributed-shampoo/tensor/node';

/** Makes all engines ready. */
export async function startEngines(): Promise<void> {
  await useBackend();
  await useBlas();
}

/** The engines that a law must hold on, with the largest order that is quick there. */
export const engineSizes = [
  { engine: 'reference', largest: 64 },
  { engine: 'blas', largest: 300 },
  { engine: 'tfjs', largest: 300 },
] as const;

/** Lays out slots and scratch; `run` then issues operations. */
export interface Layout<Slots, Name extends string> {
  lay(engine: MatrixEngine, frame: Frame): Slots;
  run(engine: MatrixEngine, slots: Slots): void;
  /** What to write before, and to read after, by name. */
  readonly inputs: (slots: Slots) => readonly (readonly [Slot, ArrayLike<number>])[];
  readonly outputs: (slots: Slots) => Readonly<Record<Name, Slot>>;
}

/** Runs one task on a new engine. @returns the numbers of its outputs, and the engine's rounding. */
export function onEngine<Slots, Name extends string>(
  name: string,
  { lay, run, inputs, outputs }: Layout<Slots, Name>,
): Record<Name, number[]> & { readonly rounding: number } {
  return withEngine(name, lay, (engine, slots) => {
    for (const [slot, numbers] of inputs(slots)) engine.values(slot).set(Array.from(numbers));
    engine.parallel([() => run(engine, slots)]);
    const read = Object.entries<Slot>(outputs(slots)).map(([key, slot]) => [key, Array.from(engine.values(slot))]);
    return { ...(Object.fromEntries(read) as Record<Name, number[]>), rounding: engine.machineEpsilon };
  });
}

/** Lays out and opens a new engine, uses it, and ends it. @returns what `use` returns. */
export function withEngine<Slots, Result>(
  name: string,
  lay: (engine: MatrixEngine, frame: Frame) => Slots,
  use: (engine: MatrixEngine, slots: Slots) => Result,
): Result {
  const engine = createEngine(name, 1);
  const slots = lay(engine, engine.frame());
  const pages = Math.ceil(engine.arenaBytes / 65536) + 1;
  engine.open({
    memory: new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }),
    arenaOffset: 0,
    flatOffsets: { gradients: 0, directions: 0, weights: 0 },
  });
  try {
    return use(engine, slots);
  } finally {
    engine.dispose();
  }
}
