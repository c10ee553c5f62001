import { memory } from '@tensorflow/tfjs-core';
import { makeSubject } from './subject.ts';

// How even steps are, and whether memory stays, in a process of its own. Arguments: `even` or `flat`, LANES. Prints one line of JSON: `SteadyRun`.

/** What a run came to; `even` counts steps of ResNet-50 with staggered roots, `flat` those of ResNet-20. */
export interface SteadyRun {
  readonly steps: number;
  readonly median: number;
  readonly slowest: number;
  /** Bytes that the process grew by, and tensors. */
  readonly grown: number;
  readonly tensors: number;
}

const FREQUENCY = 50;
const [mode = 'even', lanes = '2'] = process.argv.slice(2);
const even = mode === 'even';
const { step } = await makeSubject({
  model: even ? 'resnet50' : 'resnet20',
  lanes: Number(lanes),
  vectors: false,
  options: { preconditionFrequency: even ? FREQUENCY : 5, refresh: 'staggered' },
});
// Up to the first period's end every block has had its first root.
for (let t = 0; t < 2 * FREQUENCY; t++) step();
const counted = even ? FREQUENCY : 1000;
global.gc?.();
const before = { rss: process.memoryUsage().rss, tensors: memory().numTensors };
const times = Array.from({ length: counted }, () => step().seconds).sort((a, b) => a - b);
global.gc?.();
const result: SteadyRun = {
  steps: counted,
  median: times[counted >> 1] as number,
  slowest: times[counted - 1] as number,
  grown: process.memoryUsage().rss - before.rss,
  tensors: memory().numTensors - before.tensors,
};
console.log(JSON.stringify(result));
process.exit(0);
