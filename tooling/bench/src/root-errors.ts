import {
  createPreconditioner,
  type FactorStorageName,
  factorStorages,
  preconditionerOptions,
} from '@distributed-shampoo/preconditioner';
import { createEngine, type MatrixEngine, type Slot } from '@distributed-shampoo/tensor';
import { randomNormal } from '@tensorflow/tfjs-core';

/** How far the roots of factors that are kept in some way are from those of square ones. */
export interface RootError {
  readonly storage: FactorStorageName;
  /** `even`: normal numbers; `uneven`: with rows and columns over three orders of magnitude. */
  readonly gradients: 'even' | 'uneven';
  readonly beta2: number;
  /** `|R - S| / |S|` of both roots together, Frobenius norms. */
  readonly error: number;
}

const ORDER = 1024;
const STEPS = 60;
const ORDERS_OF_MAGNITUDE = 3;
const cases = [
  { gradients: 'even', beta2: 0.95 },
  { gradients: 'even', beta2: 0.999 },
  { gradients: 'uneven', beta2: 0.95 },
  { gradients: 'uneven', beta2: 0.999 },
] as const;

/** Roots L^(-1/4) and R^(-1/4) of one block after the same gradients, by storage. TensorFlow and `blas` have to be ready. */
export function rootErrors(lanes: number): readonly RootError[] {
  return cases.flatMap((one) => {
    const roots = rootsByStorage(one, lanes);
    const square = roots.get('square') as Float32Array;
    return [...roots].flatMap(([storage, values]) =>
      storage === 'square' ? [] : [{ ...one, storage, error: distance(values, square) }],
    );
  });
}

function rootsByStorage(
  { gradients, beta2 }: (typeof cases)[number],
  lanes: number,
): ReadonlyMap<FactorStorageName, Float32Array> {
  const engine = createEngine('blas', lanes);
  const shape = [1, ORDER, ORDER];
  const shared = { epsilon: 1e-10, beta2, useBiasCorrection: true, outputs: 'columns', compatibility: 'default' } as const;
  const blocks = factorStorages.map((storage) => {
    const options = preconditionerOptions.parse({ type: 'root-inverse', factorStorage: storage });
    const method = createPreconditioner(engine, options, shared);
    method.reserve([shape]);
    return { storage, method, state: method.initial(shape, engine.frame()) };
  });
  const gradient = engine.allocate(shape);
  open(engine);
  for (const { method, state } of blocks) method.start(state);
  for (let t = 1; t <= STEPS; t++) {
    const drawn = randomNormal(shape, 0, 1, 'float32', t);
    engine.values(gradient).set(drawn.dataSync());
    drawn.dispose();
    if (gradients === 'uneven') makeUneven(engine.values(gradient));
    engine.parallel(
      blocks.map(
        ({ method, state }) =>
          () =>
            method.observe(state, gradient, t),
      ),
    );
  }
  const jobs = blocks.flatMap(({ method, state }) => method.refresh(state, STEPS));
  engine.parallel(jobs.map(({ run }) => run));
  for (const job of jobs) job.install();
  const roots = blocks.map(({ storage, method, state }) => {
    const both = ['root 0', 'root 1'].flatMap((name) => Array.from(engine.values(method.slots(state)[name] as Slot)));
    return [storage, Float32Array.from(both)] as const;
  });
  engine.dispose();
  return new Map(roots);
}

function makeUneven(gradient: Float32Array | Float64Array): void {
  const scales = Float64Array.from({ length: ORDER }, (_, i) => 10 ** ((-ORDERS_OF_MAGNITUDE * i) / ORDER));
  for (let i = 0, at = 0; i < ORDER; i++)
    for (let j = 0; j < ORDER; j++, at++) gradient[at] = (gradient[at] as number) * (scales[i] as number) * (scales[j] as number);
}

function open(engine: MatrixEngine): void {
  const pages = Math.ceil(engine.arenaBytes / 65536);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  engine.open({ memory, arenaOffset: 0, flatOffsets: { gradients: 0, directions: 0, weights: 0 } });
}

function distance(a: Float32Array, b: Float32Array): number {
  let [off, all] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    off += ((a[i] as number) - (b[i] as number)) ** 2;
    all += (b[i] as number) ** 2;
  }
  return Math.sqrt(off / all);
}
