/** The progress thread's program. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Order, ProgressData, Report } from './messages.ts';
import { Progress } from './progress.ts';

const port = parentPort!;
const progress = new Progress(workerData as ProgressData, (report: Report) => port.postMessage(report));
process.on('uncaughtException', (error) => progress.crash(error));
port.on('message', (order: Order) => progress.order(order));
