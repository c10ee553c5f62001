import { Worker } from 'node:worker_threads';
import { TensorError } from '../../errors.ts';
import type { LaneStart } from './lane.ts';
import { CLOSED, drain, type Queue, word } from './queue.ts';

/** Longest wait for the other lanes. A 4096 x 4096 decomposition takes under a minute. */
const PATIENCE_MS = 600_000;

/** Threads that help the calling one to drain a queue. */
export interface Lanes {
  /** Lets the other threads begin with the first `count` tasks of the queue. @throws {TensorError} `disposed`. */
  start(count: number): void;
  /** Takes what is left of the tasks and returns when all are done. @throws {TensorError} `lane-failed`. */
  finish(execute: (from: number, to: number) => void): void;
  close(): void;
}

/**
 * Starts one thread per entry of `starts`. The caller is a lane too, so an empty list runs everything inline.
 *
 * @throws whatever starting a thread throws.
 */
export function startLanes(queue: Queue, starts: readonly LaneStart[]): Lanes {
  const { control } = queue;
  const workers = starts.map(startWorker);
  let closed = false;
  return {
    start(count) {
      if (closed) throw new TensorError('disposed', 'engine: used after dispose().');
      Atomics.store(control, word.next, 0);
      Atomics.store(control, word.count, count);
      Atomics.store(control, word.running, workers.length);
      if (workers.length > 0) {
        Atomics.add(control, word.round, 1);
        Atomics.notify(control, word.round);
      }
    },
    finish(execute) {
      drain(queue, execute);
      const deadline = performance.now() + PATIENCE_MS;
      for (let running = Atomics.load(control, word.running); running > 0; running = Atomics.load(control, word.running)) {
        if (performance.now() > deadline) {
          throw new TensorError(
            'lane-failed',
            `engine: ${running} of ${workers.length + 1} lanes did not finish within ${PATIENCE_MS / 1000} s.`,
          );
        }
        Atomics.wait(control, word.running, running, 1000);
      }
      if (Atomics.exchange(control, word.failed, 0) !== 0) {
        throw new TensorError(
          'lane-failed',
          'engine: an operation threw on a helping lane. Run with one lane to see the error itself.',
        );
      }
    },
    close() {
      if (closed) return;
      closed = true;
      Atomics.store(control, word.round, CLOSED);
      Atomics.notify(control, word.round);
    },
  };
}

/**
 * Starts a lane from its built file. From source (in tests) its thread registers tsx first: Node.js 20 reads no TypeScript, and a loader of
 * this thread does not reach its workers.
 */
function startWorker(start: LaneStart): Worker {
  const source = import.meta.url.endsWith('.ts');
  const entry = new URL(source ? './lane.ts' : './lane.js', import.meta.url);
  const worker = source
    ? new Worker(fromSource(entry), { eval: true, workerData: start })
    : new Worker(entry, { workerData: start });
  // A lane that only sleeps must not keep the process alive.
  worker.unref();
  return worker;
}

const fromSource = (entry: URL): string => {
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  return `import(${tsx}).then(({ register }) => { register(); return import(${JSON.stringify(entry.href)}); });`;
};
