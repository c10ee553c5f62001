import type { ReducibleType } from '../elements.ts';
import { type Bytes, constant, countedLoop, get, op, set, type, type WasmFunction, wasmModule } from './assembler.ts';

/** What a kernel computes of its inputs, element by element. The mean is a sum with a scale. */
export type KernelOp = 'sum' | 'min' | 'max';

/** The most inputs that one pass over memory adds; more are added in several (see `kernels.ts`). */
export const MOST_INPUTS = 8;

/** Where a kernel stores: `one` output, or over `all` of its inputs. */
export type Destination = 'one' | 'all';

/** Name of an exported kernel. */
export const kernelName = (key: { op: KernelOp; type: ReducibleType; inputs: number; to: Destination }): string =>
  `${key.op}-${key.type}-${key.inputs}-${key.to}`;

const lanes = {
  float32: { ...op.f32x4, scalar: type.f32, bytes: 4, loadTail: op.v128.load32Splat, storeTail: op.v128.store32Lane0 },
  float64: { ...op.f64x2, scalar: type.f64, bytes: 8, loadTail: op.v128.load64Splat, storeTail: op.v128.store64Lane0 },
  int32: { ...op.i32x4, scalar: undefined, bytes: 4, loadTail: op.v128.load32Splat, storeTail: op.v128.store32Lane0 },
} as const;

const UNROLL = 4; // vectors a turn: 64 bytes, a cache line

/**
 * out <- ((in_0 + in_1) + in_2 ...) * scale, on 4 vectors a turn, the remainder element by element with the same vector
 * instructions on one lane, so that every element is rounded alike.
 *
 * Parameters: addresses of the inputs; of the output, unless it goes to all inputs; the length in bytes; for sums of floats the
 * scale. Addresses are bytes and need no alignment. An output may be one of the inputs, but not overlap one partly.
 */
function reduceFunction(key: { op: KernelOp; type: ReducibleType; inputs: number; to: Destination }): WasmFunction {
  const lane = lanes[key.type];
  const combine = key.op === 'sum' ? lane.add : lane[key.op];
  const scaled = key.op === 'sum' && 'mul' in lane;
  const inputs = Array.from({ length: key.inputs }, (_, r) => r);
  const outputs = key.to === 'all' ? inputs : [key.inputs];
  const length = key.inputs + (key.to === 'all' ? 0 : 1);
  const scale = length + 1;
  const i = length + (scaled ? 2 : 1);
  const [whole, value] = [i + 1, i + 2];

  const at = (base: number): Bytes => [...get(i), ...get(base), ...op.i32.add];
  const element = (offset: number, load: (offset: number) => Bytes, store: (offset: number) => Bytes): Bytes => [
    ...inputs.flatMap((r) => [...at(r), ...load(offset), ...(r === 0 ? [] : combine)]),
    ...(scaled ? [...get(scale), ...lane.splat, ...lane.mul] : []),
    ...set(value),
    ...outputs.flatMap((o) => [...at(o), ...get(value), ...store(offset)]),
  ];
  const turn = Array.from({ length: UNROLL }, (_, k) => element(16 * k, op.v128.load, op.v128.store)).flat();
  return {
    name: kernelName(key),
    parameters: [...Array<number>(length + 1).fill(type.i32), ...(scaled && lane.scalar ? [lane.scalar] : [])],
    locals: [type.i32, type.i32, type.v128],
    body: [
      ...[...get(length), ...constant(-16 * UNROLL), ...op.i32.and, ...set(whole)],
      ...countedLoop(i, { end: whole, stride: 16 * UNROLL, body: turn }),
      ...countedLoop(i, { end: length, stride: lane.bytes, body: element(0, lane.loadTail, lane.storeTail) }),
    ],
  };
}

/** Moves bytes within the memory; the ranges may overlap. */
const copyFunction: WasmFunction = {
  name: 'copy',
  parameters: [type.i32, type.i32, type.i32],
  locals: [],
  body: [...get(0), ...get(1), ...get(2), ...op.memoryCopy],
};

/** Numbers of inputs that the passes of a group of `size` ranks have (2 to 8 at once, then the sum so far and up to 7 more). */
export function passSizes(size: number): readonly number[] {
  const passes: number[] = [Math.min(size, MOST_INPUTS)];
  for (let done = passes[0]!; done < size; done += passes.at(-1)! - 1) passes.push(Math.min(size - done + 1, MOST_INPUTS));
  return passes;
}

/** The module of kernels for groups of `size` >= 2 ranks. */
export function reduceModule(size: number): Uint8Array<ArrayBuffer> {
  const functions = [...new Set(passSizes(size))].flatMap((inputs) =>
    (['sum', 'min', 'max'] as const).flatMap((op) =>
      (['float32', 'float64', 'int32'] as const).flatMap((type) =>
        (['one', 'all'] as const).map((to) => reduceFunction({ op, type, inputs, to })),
      ),
    ),
  );
  return wasmModule([...functions, copyFunction]);
}
