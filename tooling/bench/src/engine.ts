import { availableParallelism } from 'node:os';
import { createEngine, type MatrixEngine, type Slot } from '@distributed-shampoo/tensor';
import { useBlas } from '@distributed-shampoo/tensor/node';
import { type Row, row } from './row.ts';

const ORDER = 1024;
/** Far beyond every cache. */
const STREAM_ELEMENTS = 16 * 2 ** 20;

/** What this machine can do: the rates that everything else is a share of. */
export async function benchEngine(): Promise<readonly Row[]> {
  const { config } = await useBlas();
  console.log(`${config}\n${availableParallelism()} processors\n`);
  const lanes = [...new Set([1, availableParallelism()])];
  return lanes.flatMap((count) => [...matrixRows(count), ...memoryRows(count)]);
}

/** Rates of a product of order 1024 on all lanes at once, in GFLOPS. */
export function matrixRates(lanes: number): { readonly product: number } {
  const seconds = measure(lanes, ({ engine }) => {
    const [a, b, c] = [ORDER, ORDER, ORDER].map((n) => engine.allocate([1, n, n])) as [Slot, Slot, Slot];
    return { fill: [a, b], product: () => engine.modeProduct(c, a, b, { mode: 1 }) };
  });
  return { product: (lanes * 2 * ORDER ** 3) / seconds('product') / 1e9 };
}

function matrixRows(lanes: number): Row[] {
  const label = lanes === 1 ? '1 lane' : `${lanes} lanes`;
  const rates = measure(lanes, ({ engine }) => {
    const [a, b, c] = [ORDER, ORDER, ORDER].map((n) => engine.allocate([1, n, n])) as [Slot, Slot, Slot];
    const values = engine.allocate([1, ORDER]);
    const status = engine.allocate([1, 1]);
    engine.frame().reserve({ operation: 'eigh', n: ORDER, precision: 'float32' });
    return {
      fill: [a, b],
      product: () => engine.modeProduct(c, a, b, { mode: 1 }),
      gram: () => engine.modeGram(c, a, { mode: 0, decay: 0.99, weight: 0.01 }),
      eigh: () => {
        engine.modeGram(c, a, { mode: 0, decay: 0, weight: 1 });
        engine.eigh(values, c, status, { diagonal: 0, precision: 'float32' });
      },
    };
  });
  const n3 = ORDER ** 3;
  return [
    row(`sgemm ${ORDER}, ${label}`, (lanes * 2 * n3) / rates('product') / 1e9, 'GFLOPS'),
    row(`ssyrk ${ORDER} with decay, ${label}`, (lanes * n3) / rates('gram') / 1e9, 'GFLOPS (of n^3)'),
    row(`ssyevd ${ORDER}, ${label}`, (1000 * (rates('eigh') - rates('gram'))) / lanes, 'ms each'),
  ];
}

function memoryRows(lanes: number): Row[] {
  const label = lanes === 1 ? '1 lane' : `${lanes} lanes`;
  const rates = measure(lanes, ({ engine }) => {
    const length = STREAM_ELEMENTS / lanes;
    const [x, y] = [engine.allocate([1, length]), engine.allocate([1, length])];
    return {
      fill: [x, y],
      add: () => engine.combine(y, x, { a: 1, b: 1 }),
      copy: () => engine.combine(y, x, { a: 1, b: 0 }),
    };
  });
  const bytes = 4 * STREAM_ELEMENTS;
  return [
    row(`a += b, ${label}`, bytes / rates('add') / 1e9, 'GB/s of payload'),
    row(`copy, ${label}`, bytes / rates('copy') / 1e9, 'GB/s of payload'),
  ];
}

interface Workload {
  /** Slots that start with numbers. */
  readonly fill: readonly Slot[];
  readonly [operation: string]: (() => void) | readonly Slot[];
}

const SAMPLES = 7;

/** Runs the same operation on every lane at once, each on slots of its own. @returns the median seconds of an operation by name. */
function measure(lanes: number, layOut: (inputs: { readonly engine: MatrixEngine }) => Workload): (operation: string) => number {
  const engine = createEngine('blas', lanes);
  const workloads = Array.from({ length: lanes }, () => layOut({ engine }));
  const pages = Math.ceil(engine.arenaBytes / 65536);
  engine.open({
    memory: new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }),
    arenaOffset: 0,
    flatOffsets: { gradients: 0, directions: 0, weights: 0 },
  });
  for (const slot of workloads.flatMap(({ fill }) => fill)) {
    const values = engine.values(slot);
    for (let i = 0; i < values.length; i++) values[i] = ((i * 2654435761) % 1024) / 1024 - 0.5;
  }
  const times = new Map<string, number>();
  const operations = Object.keys(workloads[0] ?? {}).filter((name) => name !== 'fill');
  for (const name of operations) {
    const tasks = workloads.map((workload) => workload[name] as () => void);
    engine.parallel(tasks);
    const samples = Array.from({ length: SAMPLES }, () => {
      const start = performance.now();
      engine.parallel(tasks);
      return (performance.now() - start) / 1000;
    });
    times.set(name, samples.sort((a, b) => a - b)[SAMPLES >> 1] as number);
  }
  engine.dispose();
  return (operation) => times.get(operation) as number;
}
