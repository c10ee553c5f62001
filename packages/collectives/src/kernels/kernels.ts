import type { ReduceOp, ReducibleType } from '../elements.ts';
import { type Destination, type KernelOp, kernelName, MOST_INPUTS, passSizes, reduceModule } from './reduce-module.ts';
import { type Numbers, reduceScalar } from './scalar.ts';

/** What to compute of equally long ranges of the memory, one per rank, and of how many bytes. */
export interface Reduction {
  readonly op: ReduceOp;
  readonly type: ReducibleType;
  readonly lengthBytes: number;
}

/** Arithmetic on ranges of one shared WebAssembly memory. Addresses and lengths in bytes. */
export interface Kernels {
  readonly simd: boolean;
  /** out <- in_0 op in_1 op ... in rank order. `out` may be one of the inputs. */
  reduceToOne(out: number, inputs: readonly number[], what: Reduction): void;
  /** Every input <- in_0 op in_1 op ... in rank order. */
  reduceToAll(inputs: readonly number[], what: Reduction): void;
  copy(to: number, from: number, lengthBytes: number): void;
}

const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array } as const;

/** Bytes that a group of more than 8 ranks works on at once: sums so far stay in the first level cache. */
export const SCRATCH_BYTES = 16 * 1024;

/** 1 but for a mean, whose sum is multiplied once, by 1 / size rounded to the dtype. */
const scaleOf = (op: ReduceOp, type: ReducibleType, size: number) =>
  op !== 'mean' ? 1 : type === 'float32' ? Math.fround(1 / size) : 1 / size;

const kernelOp = (op: ReduceOp): KernelOp => (op === 'mean' ? 'sum' : op);

type Pass = (...numbers: number[]) => void;

/**
 * Kernels over `memory`: WebAssembly SIMD, or the scalar loops where the machine has none.
 *
 * @param options.scratch address of SCRATCH_BYTES that only this thread uses; needed by groups of more than 8 ranks.
 */
export function kernelsOver(memory: WebAssembly.Memory, options: { size: number; scratch: number; simd?: boolean }): Kernels {
  const module = (options.simd ?? true) ? compiled(Math.max(2, options.size)) : undefined;
  return module === undefined ? scalarKernels(memory) : simdKernels(memory, module, options);
}

const modules = new Map<number, WebAssembly.Module | undefined>();

/** The module of a group's size, made once in a process; undefined where the machine has no SIMD. */
function compiled(size: number): WebAssembly.Module | undefined {
  if (!modules.has(size)) {
    const bytes = reduceModule(size);
    modules.set(size, WebAssembly.validate(bytes) ? new WebAssembly.Module(bytes) : undefined);
  }
  return modules.get(size);
}

function simdKernels(
  memory: WebAssembly.Memory,
  module: WebAssembly.Module,
  { size, scratch }: { size: number; scratch: number },
): Kernels {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const named = (op: ReduceOp, type: ReducibleType, how: { inputs: number; to: Destination }) =>
    exports[kernelName({ op: kernelOp(op), type, ...how })] as unknown as Pass;
  // A small group's kernels, looked up once: the name of one costs more than a short sum.
  const each = <T>(names: readonly T[], make: (name: T) => unknown) =>
    Object.fromEntries(names.map((name) => [name, make(name)]));
  const passes = each(['sum', 'mean', 'min', 'max'] as const, (op) =>
    each(['float32', 'float64', 'int32'] as const, (type) =>
      each(['one', 'all'] as const, (to) => named(op, type, { inputs: size, to })),
    ),
  ) as Record<ReduceOp, Record<ReducibleType, Record<Destination, Pass>>>;
  const copy = exports.copy as unknown as Pass;

  /** More inputs than one pass takes: block by block, the sum so far is the first input of the next pass. */
  const reduceInPasses = (outputs: readonly number[], inputs: readonly number[], what: Reduction) => {
    const sums = passSizes(size).map((inputs) => named(what.op, what.type, { inputs, to: 'one' }));
    for (let at = 0; at < what.lengthBytes; at += SCRATCH_BYTES) {
      const length = Math.min(SCRATCH_BYTES, what.lengthBytes - at);
      let done = 0;
      for (const [p, sum] of sums.entries()) {
        const take = inputs.slice(done, done + (p === 0 ? MOST_INPUTS : MOST_INPUTS - 1)).map((base) => base + at);
        done += take.length;
        const scale = done === size ? scaleOf(what.op, what.type, size) : 1;
        sum(...(p === 0 ? take : [scratch, ...take]), scratch, length, scale);
      }
      for (const output of outputs) copy(output + at, scratch, length);
    }
  };

  return {
    simd: true,
    copy,
    reduceToOne(out, inputs, what) {
      if (size > MOST_INPUTS) reduceInPasses([out], inputs, what);
      else passes[what.op][what.type].one(...inputs, out, what.lengthBytes, scaleOf(what.op, what.type, size));
    },
    reduceToAll(inputs, what) {
      if (size > MOST_INPUTS) reduceInPasses(inputs, inputs, what);
      else passes[what.op][what.type].all(...inputs, what.lengthBytes, scaleOf(what.op, what.type, size));
    },
  };
}

function scalarKernels(memory: WebAssembly.Memory): Kernels {
  const reduce = (outputs: readonly number[], inputs: readonly number[], { op, type, lengthBytes }: Reduction) => {
    const array = arrays[type];
    const view = (at: number): Numbers => new array(memory.buffer, at, lengthBytes / array.BYTES_PER_ELEMENT);
    reduceScalar(outputs.map(view), inputs.map(view), { op: kernelOp(op), scale: scaleOf(op, type, inputs.length) });
  };
  const bytes = new Uint8Array(memory.buffer);
  return {
    simd: false,
    copy: (to, from, lengthBytes) => bytes.copyWithin(to, from, from + lengthBytes),
    reduceToOne: (out, inputs, what) => reduce([out], inputs, what),
    reduceToAll: (inputs, what) => reduce(inputs, inputs, what),
  };
}
