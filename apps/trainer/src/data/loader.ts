import type { Worker } from 'node:worker_threads';
import 'sharp'; // In the main thread before any worker loads it: its native library must outlive them.
import type { Batch, UnreadableImage } from './batch.ts';
import type { ImageDataset } from './dataset.ts';
import { DataError } from './errors.ts';
import type { Delivery, LoaderWork, Order } from './loader-messages.ts';
import { type EvaluationOptions, evaluationPlan, type TrainingOptions, trainingPlan } from './loader-options.ts';
import { createMailbox } from './mailbox.ts';
import { startWorker } from './start-worker.ts';

/** Batches that a worker thread makes ahead of their use. */
export interface Loader<Next extends Batch | undefined> {
  /**
   * The next batch, in order. Its memory is the caller's.
   *
   * @throws {DataError} `no-readable-image`, `loader-failed`, `loader-closed`; after one of them every further call fails too.
   */
  next(): Promise<Next>;
  /** Gives a batch's memory back for another one; its arrays are empty from then on. Not needed, but it saves allocating. */
  release(batch: Batch): void;
  /** The images that could not be read so far, each named once. */
  readonly unreadable: readonly UnreadableImage[];
  /** Ends the worker; may be called twice, and after an error. */
  close(): Promise<void>;
}

/** An endless loader: `next` always has a batch. */
export type TrainingLoader = Loader<Batch>;
/** A loader that comes to an end: after the last batch `next` gives undefined. */
export type EvaluationLoader = Loader<Batch | undefined>;

/**
 * Shuffled, augmented batches without end; what they contain is described at `trainingCourse`.
 *
 * @throws {DataError} `bad-option`.
 */
export function createTrainingLoader(dataset: ImageDataset, options: TrainingOptions): TrainingLoader {
  const plan = trainingPlan(options);
  return createLoader<Batch>({ index: dataset.index, plan }, () => {
    throw new DataError('loader-failed', `${dataset.name}: the training batches came to an end, which they should not.`);
  });
}

/**
 * Every image of this rank's share once, unchanged; see `evaluationCourse`.
 *
 * @throws {DataError} `bad-option`.
 */
export function createEvaluationLoader(dataset: ImageDataset, options: EvaluationOptions): EvaluationLoader {
  return createLoader<Batch | undefined>({ index: dataset.index, plan: evaluationPlan(options) }, () => undefined);
}

function createLoader<Next extends Batch | undefined>(work: LoaderWork, atEnd: () => Next): Loader<Next | Batch> {
  const worker = startWorker(
    new URL(import.meta.url.endsWith('.ts') ? './loader-worker.ts' : './loader-worker.js', import.meta.url),
    work,
  );
  const send = (order: Order, transfer: ArrayBuffer[] = []) => worker.postMessage(order, transfer);
  const deliveries = createMailbox<Delivery>((anyone) => (anyone ? worker.ref() : worker.unref()));
  worker.on('message', deliveries.put);
  worker.on('error', (cause) =>
    deliveries.fail(new DataError('loader-failed', `loader: its worker failed: ${cause.message}`, { cause })),
  );
  worker.on('exit', (code) =>
    deliveries.fail(new DataError('loader-failed', `loader: its worker ended with exit code ${code}.`, { code })),
  );
  // A loader that someone forgot to close must not keep the process alive; one that is waited for must. Listeners hold a worker, so this comes last.
  worker.unref();
  for (let i = 0; i < work.plan.prefetch; i++) send({ kind: 'make' });

  const unreadable: UnreadableImage[] = [];
  let last: Delivery | undefined;
  let closing: Promise<void> | undefined;
  return {
    async next() {
      if (closing !== undefined) throw new DataError('loader-closed', 'loader: no batch can be had from it, it was closed.');
      const delivery = last ?? (await deliveries.take());
      if (delivery.kind === 'batch') {
        send({ kind: 'make' });
        unreadable.push(...delivery.unreadable);
        return delivery.batch;
      }
      if (!last && delivery.kind === 'end') unreadable.push(...delivery.unreadable);
      last = delivery;
      if (delivery.kind === 'end') return atEnd();
      throw new DataError(delivery.code, delivery.message, { workerStack: delivery.stack });
    },
    release({ images, labels }) {
      const memory = { images: new Float32Array(images.buffer), labels: new Int32Array(labels.buffer) };
      send({ kind: 'recycle', memory }, [images.buffer, labels.buffer]);
    },
    unreadable,
    close() {
      closing ??= stop(worker);
      deliveries.fail(new DataError('loader-closed', 'loader: it was closed while a batch was waited for.'));
      return closing;
    },
  };
}

const stopDeadlineMs = 10_000;

/** Lets the worker finish the batch it is at: to end a thread while libvips works for it is asking for trouble. */
async function stop(worker: Worker): Promise<void> {
  if (worker.threadId === -1) return;
  worker.ref();
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const deadline = setTimeout(() => void worker.terminate(), stopDeadlineMs);
  worker.postMessage({ kind: 'stop' } satisfies Order);
  await ended;
  clearTimeout(deadline);
}
