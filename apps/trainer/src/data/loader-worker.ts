import { parentPort, workerData } from 'node:worker_threads';
import { createBatchMaker } from './batch-maker.ts';
import { datasetOf } from './dataset.ts';
import { DataError } from './errors.ts';
import { evaluationCourse } from './evaluation-course.ts';
import type { Delivery, LoaderWork, Order } from './loader-messages.ts';
import { trainingCourse } from './training-course.ts';

// The thread a loader's batches are made in: it has an event loop of its own, which sharp needs, while TensorFlow holds up the main one.

const port = parentPort!;
const { index, plan } = workerData as LoaderWork;
const dataset = datasetOf(index);
const course = plan.task === 'training' ? trainingCourse(dataset.length, plan) : evaluationCourse(dataset.length, plan);
const maker = createBatchMaker(dataset, course, plan);
let step = plan.task === 'training' ? plan.firstStep : 0;
let orders = Promise.resolve();
let stopping = false;

/** The next batch that has an image; in evaluation all of one may be unreadable. */
async function nextBatch(): Promise<void> {
  if (stopping) return;
  try {
    let batch = await maker.make(step++);
    while (batch?.count === 0) batch = await maker.make(step++);
    const unreadable = maker.takeUnreadable();
    if (batch) deliver({ kind: 'batch', batch, unreadable }, [batch.images.buffer, batch.labels.buffer]);
    else deliver({ kind: 'end', unreadable });
  } catch (cause) {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    const code = error instanceof DataError ? error.code : 'loader-failed';
    deliver({ kind: 'failed', code, message: error.message, stack: error.stack });
  }
}

function deliver(delivery: Delivery, transfer: ArrayBuffer[] = []): void {
  port.postMessage(delivery, transfer);
}

async function stop(): Promise<void> {
  stopping = true;
  port.close();
  await orders;
  await dataset.close();
}

port.on('message', (order: Order) => {
  switch (order.kind) {
    case 'make':
      orders = orders.then(nextBatch);
      break;
    case 'recycle':
      maker.recycle(order.memory);
      break;
    case 'stop':
      void stop();
      break;
  }
});
