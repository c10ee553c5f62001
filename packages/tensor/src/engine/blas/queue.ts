/**
 * The queue of tasks in shared memory that all lanes of an engine take from.
 *
 *     0     control words, 64 bytes apart: ROUND, NEXT, COUNT, RUNNING, FAILED
 *     512   where each task's commands start, int32, one more than there are tasks
 *     then  commands, float64: see `execute`
 */
export interface Queue {
  readonly control: Int32Array;
  readonly starts: Int32Array;
  readonly commands: Float64Array;
}

/** Index of each control word in `control`. */
export const word = { round: 0, next: 16, count: 32, running: 48, failed: 64 } as const;

/** The round that tells lanes to end. */
export const CLOSED = -1;

const CONTROL_BYTES = 512;
const MOST_TASKS = 4096;
const MOST_NUMBERS = 1 << 17;

/** Bytes that a queue takes. */
export const queueBytes = CONTROL_BYTES + 4 * (MOST_TASKS + 16) + 8 * MOST_NUMBERS;

/** The queue at `offset` of a shared memory, a multiple of 64. */
export function openQueue(memory: WebAssembly.Memory, offset: number): Queue {
  const starts = offset + CONTROL_BYTES;
  return {
    control: new Int32Array(memory.buffer, offset, CONTROL_BYTES / 4),
    starts: new Int32Array(memory.buffer, starts, MOST_TASKS + 1),
    commands: new Float64Array(memory.buffer, starts + 4 * (MOST_TASKS + 16), MOST_NUMBERS),
  };
}

/** Takes tasks until none is left. @throws whatever a task throws. */
export function drain({ control, starts }: Queue, run: (from: number, to: number) => void): void {
  const count = Atomics.load(control, word.count);
  for (let task = Atomics.add(control, word.next, 1); task < count; task = Atomics.add(control, word.next, 1)) {
    run(starts[task] as number, starts[task + 1] as number);
  }
}
