import type { ByteRange } from '../algorithms/shares.ts';
import { dtypes, isReducible } from '../elements.ts';
import { type Kernels, kernelsOver, SCRATCH_BYTES } from '../kernels/kernels.ts';
import { PAGE, roundUp } from '../memory/layout.ts';
import { type Ranges, rangesOf, type WireCall } from './wire-call.ts';

/** Bytes of one data message. */
export const BLOCK_BYTES = 256 * 1024;

/** What a piece of data is: an input to be summed by its receiver, or a result. */
export const phase = { input: 1, result: 2 } as const;

/** How an exchange reaches the others. */
export interface Wires {
  readonly rank: number;
  readonly size: number;
  /** Sends bytes to a rank; they must not change until `idle` is called. */
  send(to: number, data: { readonly phase: number; readonly offset: number; readonly bytes: Uint8Array }): void;
  /** Bytes handed over that have not left yet. */
  pending(): number;
}

/**
 * One call of a collective on one rank, on the progress thread. Every rank sends each other one the range that it owns, in blocks, in turns, starting with the
 * next rank; an owner sums a block in rank order as soon as all of it is there, and hands the sum on at once where all want it.
 */
export class Exchange {
  readonly call: WireCall;
  readonly #wires: Wires;
  readonly #ranges: Ranges;
  readonly #input: Uint8Array | undefined;
  readonly #output: Uint8Array | undefined;
  /** Offset of the whole array's byte 0 in input and output, which may be a part of it. */
  readonly #inputBase: number;
  readonly #outputBase: number;
  readonly #sums: Sums | undefined;
  /** Bytes still to come, by rank. */
  readonly #owed: number[];
  #owedInAll = 0;

  constructor(call: WireCall, wires: Wires) {
    this.call = call;
    this.#wires = wires;
    const { rank, size } = wires;
    const dtype = dtypes[call.dtype] as (typeof dtypes)[number];
    this.#ranges = rangesOf(call, dtype.bytes, size);
    this.#input = viewOf(call.input);
    this.#output = viewOf(call.output);
    const own = this.#ranges.summed?.(rank) ?? this.#ranges.told?.(rank);
    this.#inputBase = call.operation === 'allGather' ? (own?.from ?? 0) : 0;
    this.#outputBase = call.operation === 'reduceScatter' ? (own?.from ?? 0) : 0;
    const { summed, told } = this.#ranges;
    this.#owed = Array.from({ length: size }, (_, r) => (r === rank ? 0 : lengthOf(summed?.(rank)) + lengthOf(told?.(r))));
    this.#owedInAll = this.#owed.reduce((sum, bytes) => sum + bytes, 0);
    if (summed !== null && isReducible(dtype.name))
      this.#sums = new Sums(size, { op: call.op ?? 'sum', type: dtype.name, range: summed(rank) });
  }

  /** Whether all that a rank owes has come. */
  delivered(from: number): boolean {
    return this.#owed[from] === 0;
  }

  /** Whether everything has come and everything has left. */
  get done(): boolean {
    return this.#owedInAll === 0 && this.#wires.pending() === 0;
  }

  /** Sends what can be sent at once. */
  start(): void {
    const { rank, size } = this.#wires;
    const { summed, told } = this.#ranges;
    if (summed !== null) {
      const longest = Math.max(...Array.from({ length: size }, (_, r) => lengthOf(summed(r))));
      for (let at = 0; at < longest; at += BLOCK_BYTES) {
        for (let turn = 1; turn < size; turn++) {
          const to = (rank + turn) % size;
          const range = summed(to);
          const from = range.from + at;
          if (from >= range.end) continue;
          const end = Math.min(from + BLOCK_BYTES, range.end);
          this.#wires.send(to, { phase: phase.input, offset: from, bytes: this.#inputBytes(from, end) });
        }
      }
      const own = summed(rank);
      for (let from = own.from; from < own.end; from += BLOCK_BYTES)
        this.#sum(from, rank, this.#inputBytes(from, Math.min(from + BLOCK_BYTES, own.end)));
    } else if (told !== null) {
      const own = told(rank);
      const mine = this.#inputBytes(own.from, own.end);
      this.#write(own.from, mine);
      for (let from = own.from; from < own.end; from += BLOCK_BYTES) this.#tell(from, Math.min(from + BLOCK_BYTES, own.end));
    }
  }

  /** Takes in data. @returns why they cannot be taken; undefined where all is well. */
  receive(
    from: number,
    data: { readonly phase: number; readonly offset: number; readonly bytes: Uint8Array },
  ): string | undefined {
    const { offset, bytes } = data;
    const range = data.phase === phase.input ? this.#ranges.summed?.(this.#wires.rank) : this.#ranges.told?.(from);
    const end = offset + bytes.length;
    const fits =
      range !== undefined &&
      bytes.length > 0 &&
      offset >= range.from &&
      (offset - range.from) % BLOCK_BYTES === 0 &&
      end === Math.min(offset + BLOCK_BYTES, range.end) &&
      bytes.length <= (this.#owed[from] as number);
    if (!fits) return `bytes ${offset} to ${end} of the array, which it does not owe`;
    if (data.phase === phase.input) this.#sum(offset, from, bytes);
    else this.#write(offset, bytes);
    this.#owed[from] = (this.#owed[from] as number) - bytes.length;
    this.#owedInAll -= bytes.length;
    return undefined;
  }

  #sum(offset: number, from: number, bytes: Uint8Array): void {
    const sum = this.#sums?.add(offset, from, bytes);
    if (sum === undefined) return;
    this.#write(offset, sum);
    if (this.#ranges.told !== null) this.#tell(offset, offset + sum.length);
  }

  #tell(from: number, end: number): void {
    const { rank, size } = this.#wires;
    const bytes = this.#outputBytes(from, end);
    for (let turn = 1; turn < size; turn++) this.#wires.send((rank + turn) % size, { phase: phase.result, offset: from, bytes });
  }

  #write(offset: number, bytes: Uint8Array): void {
    if (bytes.length > 0) this.#output?.set(bytes, offset - this.#outputBase);
  }

  #inputBytes(from: number, end: number): Uint8Array {
    return (this.#input as Uint8Array).subarray(from - this.#inputBase, end - this.#inputBase);
  }

  #outputBytes(from: number, end: number): Uint8Array {
    return (this.#output as Uint8Array).subarray(from - this.#outputBase, end - this.#outputBase);
  }
}

const lengthOf = (range: ByteRange | undefined): number => (range === undefined ? 0 : range.end - range.from);

const viewOf = (shared: WireCall['input']): Uint8Array | undefined =>
  shared === undefined ? undefined : new Uint8Array(shared.buffer, shared.byteOffset, shared.lengthBytes);

interface SumOptions {
  readonly op: NonNullable<WireCall['op']>;
  readonly type: Parameters<Kernels['reduceToOne']>[2]['type'];
  readonly range: ByteRange;
}

/** The blocks of a range that wait for the inputs of all ranks. */
class Sums {
  readonly #size: number;
  readonly #options: SumOptions;
  readonly #waiting = new Map<number, (Uint8Array | undefined)[]>();

  constructor(size: number, options: SumOptions) {
    this.#size = size;
    this.#options = options;
  }

  /** Takes in one rank's block. @returns the sum once all are there, in memory that the next sum overwrites. */
  add(offset: number, from: number, bytes: Uint8Array): Uint8Array | undefined {
    const inputs = this.#waiting.get(offset) ?? new Array<Uint8Array | undefined>(this.#size).fill(undefined);
    inputs[from] = bytes;
    this.#waiting.set(offset, inputs);
    if (inputs.includes(undefined)) return undefined;
    this.#waiting.delete(offset);
    const { memory, kernels } = workbench(this.#size);
    const slots = inputs.map((_, r) => r * BLOCK_BYTES);
    for (const [r, input] of inputs.entries()) memory.set(input as Uint8Array, slots[r]);
    const { op, type } = this.#options;
    kernels.reduceToOne(slots[0] as number, slots, { op, type, lengthBytes: bytes.length });
    return memory.subarray(0, bytes.length);
  }
}

const benches = new Map<number, { readonly memory: Uint8Array; readonly kernels: Kernels }>();

/** Memory with a block of each rank, and the kernels over it: the same that add in shared memory, so that the bits are the same. */
function workbench(size: number) {
  const found = benches.get(size);
  if (found !== undefined) return found;
  const scratch = size * BLOCK_BYTES;
  const pages = roundUp(scratch + SCRATCH_BYTES, PAGE) / PAGE;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const bench = { memory: new Uint8Array(memory.buffer), kernels: kernelsOver(memory, { size, scratch }) };
  benches.set(size, bench);
  return bench;
}
