import type { FactorStorageName } from '@distributed-shampoo/preconditioner';
import { memory } from '@tensorflow/tfjs-core';
import { matrixRates } from './engine.ts';
import { makeSubject } from './subject.ts';

// Steps of Shampoo on ResNet-50's variables, in a process of its own so that its memory can be told. Arguments: DIM, `vectors` or `matrices`, LANES, STORAGE of factors. Prints one line of JSON: `OptimizerRun`.

/** What a run came to. */
export interface OptimizerRun {
  readonly parameters: number;
  /** Of the variables. */
  readonly shapes: readonly (readonly number[])[];
  readonly blocks: number;
  /** Order of each factor, and the other elements of its block. */
  readonly factors: readonly (readonly [order: number, rest: number])[];
  /** Floating-point operations of a step: symmetric updates counted half. */
  readonly flops: number;
  /** Median seconds of a step without refresh: from gradients to variables. */
  readonly step: number;
  /** The arithmetic between the two copies, within it. */
  readonly arithmetic: number;
  /** Median seconds of the refresh of all factors. */
  readonly refresh: number;
  /** Rate of a product of order 1024 on all lanes in the same process. */
  readonly gigaflops: number;
  /** The engine's arena: factors, roots, moments, places for roots under way, scratch. */
  readonly stateBytes: number;
  /** Of the process, ResNet-50's variables and TensorFlow included. */
  readonly peakBytes: number;
}

const PERIOD = 6;
const ROUNDS = 3;
const [dim = '1024', vectors = 'vectors', lanes = '2', factorStorage = 'square'] = process.argv.slice(2);
const { engine, optimizer, variables, step } = await makeSubject({
  model: 'resnet50',
  lanes: Number(lanes),
  vectors: vectors === 'vectors',
  options: {
    maxPreconditionerDim: Number(dim),
    preconditionFrequency: PERIOD,
    preconditioner: { type: 'root-inverse', factorStorage: factorStorage as FactorStorageName },
  },
});
for (let t = 0; t < PERIOD; t++) step();
const rates: number[] = [matrixRates(Number(lanes)).product];
const steady: ReturnType<typeof step>[] = [];
const refreshes: number[] = [];
const tensors = memory().numTensors;
for (let round = 0; round < ROUNDS; round++) {
  for (let t = 1; t < PERIOD; t++) steady.push(step());
  refreshes.push(step().refresh);
  rates.push(matrixRates(Number(lanes)).product);
}
if (memory().numTensors !== tensors) throw new Error(`a step left ${memory().numTensors - tensors} tensors behind`);

const { blocks } = optimizer.plan;
const preconditioned = blocks.filter(({ parameter }) => vectors === 'vectors' || !isVector(parameter));
const result: OptimizerRun = {
  parameters: variables.reduce((sum, { size }) => sum + size, 0),
  shapes: variables.map(({ shape }) => shape),
  blocks: blocks.length,
  factors: preconditioned.flatMap(({ shape, elements }) => shape.map((d) => [d, elements / d] as const)),
  flops: preconditioned.reduce((sum, { shape, elements }) => sum + shape.reduce((cost, d) => cost + 3 * d * elements, 0), 0),
  step: median(steady.map(({ seconds }) => seconds)),
  arithmetic: median(steady.map(({ arithmetic }) => arithmetic)),
  refresh: median(refreshes),
  gigaflops: median(rates),
  stateBytes: engine.arenaBytes,
  peakBytes: process.resourceUsage().maxRSS * 1024,
};
console.log(JSON.stringify(result));
process.exit(0);

function isVector(parameter: number): boolean {
  return (variables[parameter]?.shape.filter((d) => d !== 1).length ?? 0) <= 1;
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1] as number;
}
