import { codeOf, exitCode, exitCodeOf, lineOf } from '../errors.ts';
import { trainRank } from '../train.ts';
import { configVariable, type FromRank, type Job, type ToRank } from './messages.ts';

// A rank of a job that the launcher started: trains, tells the launcher, and ends.

const send = (message: FromRank) =>
  new Promise<void>((sent) => (process.connected ? process.send?.(message, () => sent()) : sent()));

// The launcher decides what a signal to the whole process group means.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
// Without a launcher nobody would end this rank.
process.on('disconnect', () => process.exit(exitCode.failed));

let stopping = false;
process.on('message', (message: ToRank) => {
  if (message.type === 'stop') stopping = true;
});

try {
  const job = JSON.parse(process.env[configVariable] ?? 'null') as Job;
  await trainRank(job, {
    reporter: { report: (event) => void send({ type: 'event', event }) },
    stopRequested: () => stopping,
    onStep: (step) => void send({ type: 'at', step }),
  });
  process.exit(exitCode.done);
} catch (error) {
  await send({ type: 'failed', message: lineOf(error), code: codeOf(error), exitCode: exitCodeOf(error) });
  process.exit(exitCodeOf(error));
}
