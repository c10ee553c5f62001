import type { Futex } from './native.ts';

/** How a thread waits on a word of the board, by its index, without spinning. */
export interface Sleeper {
  readonly futex: boolean;
  /** Returns at the latest after `ms`, and may return early. */
  sleep(word: number, options: { seen: number; ms: number }): void;
  wake(word: number): void;
}

/** Sleeps on the shared word itself. @param base address of word 0. */
export const futexSleeper = (futex: Futex, base: number): Sleeper => ({
  futex: true,
  sleep: (word, { seen, ms }) => futex.wait(base + 4 * word, seen, ms),
  wake: (word) => futex.wake(base + 4 * word),
});

const SHORTEST_NAP_MS = 0.05;
const LONGEST_NAP_MS = 1;

/** Where there is no futex: naps, longer the longer the word stays the same. Nobody can wake such a sleeper. */
export function pollingSleeper(): Sleeper {
  const clock = new Int32Array(new SharedArrayBuffer(4)); // a word that never changes: waiting for it is sleeping
  let last = 0;
  let nap = SHORTEST_NAP_MS;
  return {
    futex: false,
    sleep(_word, { seen, ms }) {
      nap = seen === last ? Math.min(nap * 1.2, LONGEST_NAP_MS) : SHORTEST_NAP_MS;
      last = seen;
      Atomics.wait(clock, 0, 0, Math.min(nap, ms));
    },
    wake() {},
  };
}
