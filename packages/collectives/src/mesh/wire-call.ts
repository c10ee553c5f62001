import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { type ByteRange, share } from '../algorithms/shares.ts';
import { type Call, describe, type Operation, operations, partStart, type Signature } from '../call.ts';
import { type Dtype, dtypes, type ReduceOp } from '../elements.ts';

/** Bytes that both threads of a rank see. */
export interface SharedBytes {
  readonly buffer: SharedArrayBuffer;
  readonly byteOffset: number;
  readonly lengthBytes: number;
}

/** A call as the main thread posts it to the progress thread. */
export interface WireCall {
  readonly seq: number;
  readonly step: number;
  readonly operation: Operation;
  readonly dtype: number;
  readonly op: ReduceOp | undefined;
  readonly source: number | undefined;
  readonly elements: number;
  readonly counts: readonly number[];
  readonly input: SharedBytes | undefined;
  readonly output: SharedBytes | undefined;
  /** Whether the main thread wants a message when it is done, as it does not block. */
  readonly notify: boolean;
}

/** What all ranks must agree on, as it travels. */
export interface Words {
  readonly text: string;
  readonly hash: number;
}

const said = z.strictObject({
  operation: z.int().min(0),
  dtype: z.int().min(0),
  op: z.enum(['sum', 'mean', 'min', 'max']).optional(),
  source: z.int().optional(),
  elements: z.number(),
  counts: z.array(z.number()),
  step: z.number(),
});

/** A call in the words that are sent to the others when a rank comes to it. */
export function wordsOf({ operation, dtype, op, source, elements, counts, step }: Omit<WireCall, 'input' | 'output'>): Words {
  const signature = { operation: operations.indexOf(operation), dtype, op, source, elements, counts };
  return { text: JSON.stringify({ ...signature, step }), hash: crc32(JSON.stringify(signature)) };
}

/** What a rank said on coming to a call. */
export interface Entered {
  readonly operation: number;
  readonly step: number;
  readonly hash: number;
  /** For people. */
  readonly description: string;
}

/** @returns undefined where the text is no call. */
export function enteredFrom(text: string, hash: number): Entered | undefined {
  let parsed: z.output<typeof said>;
  try {
    parsed = said.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
  const { operation, dtype, op, source, elements, counts, step } = parsed;
  const signature: Signature = {
    operation: operations[operation] ?? 'barrier',
    dtype: dtypes[dtype] ?? (dtypes[0] as Dtype),
    ...(op === undefined ? {} : { op }),
    ...(source === undefined ? {} : { source }),
    elements,
    counts,
  };
  return { operation, step, hash, description: describe(signature) };
}

/** Below this everyone sends everything to everyone: one trip instead of two. */
export const DIRECT_BYTES = 32 * 1024;

/** Which bytes of the whole array go where. */
export interface Ranges {
  /** What a rank sums up, out of every rank's bytes; null where nothing is summed. */
  readonly summed: ((rank: number) => ByteRange) | null;
  /** What a rank sends to all others as it stands at the end; null where nothing is. */
  readonly told: ((rank: number) => ByteRange) | null;
}

const nothing: ByteRange = { from: 0, end: 0 };

/** How the bytes of a call travel between `size` ranks. Pure, and the same on all ranks. */
export function rangesOf(
  { operation, elements, counts, source }: Pick<Call, 'operation' | 'elements' | 'counts' | 'source'>,
  bytes: number,
  size: number,
): Ranges {
  const total = elements * bytes;
  const part = (rank: number): ByteRange => {
    const from = partStart(counts, rank) * bytes;
    return { from, end: from + (counts[rank] ?? 0) * bytes };
  };
  switch (operation) {
    case 'barrier':
    case 'allocate':
      return { summed: null, told: null };
    case 'allReduce': {
      if (total <= DIRECT_BYTES) return { summed: () => ({ from: 0, end: total }), told: null };
      const shares = (rank: number) => share(total, rank, size);
      return { summed: shares, told: shares };
    }
    case 'reduceScatter':
      return { summed: part, told: null };
    case 'allGather':
      return { summed: null, told: part };
    case 'broadcast':
      return { summed: null, told: (rank) => (rank === source ? { from: 0, end: total } : nothing) };
  }
}
