import koffi from 'koffi';
import { type KernelName, kernelModuleBase64 } from '../kernels/module.generated.ts';
import { type Blas, type BlasLibrary, loadBlas } from './library.ts';

/** What a lane computes with: one shared memory, BLAS, the kernels, and scratch of its own. */
export interface Machine {
  readonly blas: Blas;
  readonly kernels: Kernels;
  /** Address of the memory's first byte: BLAS takes addresses, kernels and views take offsets. */
  readonly base: number;
  readonly bytes: Uint8Array;
  readonly int32: Int32Array;
  readonly float32: Float32Array;
  readonly float64: Float64Array;
  /** Byte offset of this lane's frame. */
  readonly frame: number;
  /** Byte offset of this lane's workspace for decompositions. */
  readonly workspace: number;
}

type Kernels = Readonly<Record<KernelName, (...values: number[]) => number>>;

/** Where a lane's own memory lies. */
export interface LaneMemory {
  readonly frame: number;
  readonly workspace: number;
}

/** Binds BLAS and kernels to a shared memory, in the thread that calls. */
export function createMachine(memory: WebAssembly.Memory, library: BlasLibrary, lane: LaneMemory): Machine {
  const bytes = new Uint8Array(memory.buffer);
  const module = new WebAssembly.Module(Buffer.from(kernelModuleBase64, 'base64'));
  const { exports } = new WebAssembly.Instance(module, { engine: { memory } });
  return {
    ...lane,
    blas: loadBlas(library),
    kernels: exports as unknown as Kernels,
    base: addressOf(bytes),
    bytes,
    int32: new Int32Array(memory.buffer),
    float32: new Float32Array(memory.buffer),
    float64: new Float64Array(memory.buffer),
  };
}

/** The address of a buffer's first byte: what C's memmove of no bytes gives back. The memory of a shared buffer does not move. */
function addressOf(bytes: Uint8Array): number {
  const memmove = koffi.load(null).func('intptr_t memmove(void *to, void *from, size_t n)') as (
    to: Uint8Array,
    from: Uint8Array,
    n: number,
  ) => number | bigint;
  return Number(memmove(bytes, bytes, 0));
}
