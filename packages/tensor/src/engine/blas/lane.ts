import { workerData } from 'node:worker_threads';
import { execute } from './execute.ts';
import type { BlasLibrary } from './library.ts';
import { createMachine, type LaneMemory } from './machine.ts';
import { CLOSED, drain, openQueue, word } from './queue.ts';

/** What a lane's thread is told. */
export interface LaneStart {
  readonly memory: WebAssembly.Memory;
  readonly library: BlasLibrary;
  readonly lane: LaneMemory;
  readonly queueOffset: number;
}

// The thread of one lane: sleeps until a round starts, drains the queue with the others, says that it is done.
const { memory, library, lane, queueOffset } = workerData as LaneStart;
const machine = createMachine(memory, library, lane);
const queue = openQueue(memory, queueOffset);
let seen = 0;
for (;;) {
  Atomics.wait(queue.control, word.round, seen);
  seen = Atomics.load(queue.control, word.round);
  if (seen === CLOSED) break;
  try {
    drain(queue, (from, to) => execute(machine, queue.commands, from, to));
  } catch {
    // Tasks hold numbers that the engine itself wrote, so a throw is a defect; the calling lane reports it.
    Atomics.store(queue.control, word.failed, 1);
  }
  if (Atomics.sub(queue.control, word.running, 1) === 1) Atomics.notify(queue.control, word.running);
}
