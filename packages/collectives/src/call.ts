import { type Dtype, dtypeOf, dtypes, type Elements, isReducible, type ReduceOp } from './elements.ts';
import { type CallPlace, CollectivesError } from './errors.ts';

/** The collectives, by number. */
export const operations = ['barrier', 'allReduce', 'reduceScatter', 'allGather', 'broadcast', 'allocate'] as const;
/** The name of a collective. */
export type Operation = (typeof operations)[number];

/** What all ranks must agree on when they meet in a call. */
export interface Signature {
  readonly operation: Operation;
  readonly dtype: Dtype;
  readonly op?: ReduceOp;
  readonly source?: number;
  /** Of the whole array. */
  readonly elements: number;
  /** Elements (bytes, for `allocate`) per rank; empty where the operation has none. */
  readonly counts: readonly number[];
}

/** One call of a collective on one rank: where, what, and on which arrays. */
export interface Call extends Omit<CallPlace, 'operation'>, Signature {
  /** What this rank contributes, and where the result goes; the same array for calls in place. */
  readonly input?: Elements;
  readonly output?: Elements;
}

/** Who calls, and which call of this rank it is. */
export interface Caller {
  readonly rank: number;
  readonly size: number;
  readonly seq: number;
  readonly step: number;
}

const reduceOps = ['sum', 'mean', 'min', 'max'] as const satisfies readonly ReduceOp[];

function fail(who: string, sentence: string): never {
  throw new CollectivesError('bad-argument', `${who}: ${sentence}`, { operation: who });
}

/** @throws {CollectivesError} `bad-argument` for an unknown op, `unsupported` where the kernels cannot do it with this dtype. */
function checkReduction(who: Operation, dtype: Dtype, op: ReduceOp): void {
  if (!reduceOps.includes(op)) fail(who, `op must be one of ${reduceOps.join(', ')}, got ${JSON.stringify(op)}.`);
  if (isReducible(dtype.name) && !(op === 'mean' && dtype.name === 'int32')) return;
  throw new CollectivesError(
    'unsupported',
    `${who}: ${op} of ${dtype.name} is not supported. Sums, minima and maxima exist for float32, float64 and int32, means for float32 and float64.`,
    { operation: who },
  );
}

function checkCounts(
  who: Operation,
  counts: readonly number[],
  { caller, elements }: { caller: Caller; elements: number },
): void {
  if (!Array.isArray(counts) || counts.length !== caller.size) {
    fail(who, `counts must have one number for each of the ${caller.size} ranks, got ${JSON.stringify(counts)}.`);
  }
  const wrong = counts.findIndex((c) => !Number.isSafeInteger(c) || c < 0);
  if (wrong >= 0) fail(who, `counts[${wrong}] must be an integer of at least 0, got ${counts[wrong]}.`);
  const sum = counts.reduce((a, b) => a + b, 0);
  if (sum !== elements) fail(who, `counts add up to ${sum}, but the whole array has ${elements} elements.`);
}

/** The own part of the whole array must be passed as exactly that, or lie elsewhere. */
function checkParts(
  who: Operation,
  arrays: { mine: Elements; whole: Elements },
  options: { counts: readonly number[]; caller: Caller },
) {
  const { mine, whole } = arrays;
  const { counts, caller } = options;
  const dtype = dtypeOf(whole, who);
  if (dtypeOf(mine, who) !== dtype)
    fail(who, `both arrays must have one dtype, got ${dtypeOf(mine, who).name} and ${dtype.name}.`);
  checkCounts(who, counts, { caller, elements: whole.length });
  if (mine.length !== counts[caller.rank]) {
    fail(
      who,
      `rank ${caller.rank} passed ${mine.length} elements of its own, counts[${caller.rank}] says ${counts[caller.rank]}.`,
    );
  }
  if (mine.buffer !== whole.buffer || mine.length === 0) return dtype;
  const own = whole.byteOffset + partStart(counts, caller.rank) * dtype.bytes;
  const apart = mine.byteOffset + mine.byteLength <= whole.byteOffset || whole.byteOffset + whole.byteLength <= mine.byteOffset;
  if (!apart && mine.byteOffset !== own) {
    fail(who, `the own part overlaps the whole array at byte ${mine.byteOffset}; in place it must start at byte ${own}.`);
  }
  return dtype;
}

/** Elements before the part of `rank`. */
export function partStart(counts: readonly number[], rank: number): number {
  let start = 0;
  for (let r = 0; r < rank; r++) start += counts[r]!;
  return start;
}

const none: readonly number[] = [];

/** @throws {CollectivesError} `bad-argument`, `unsupported`. */
export function allReduceCall(x: Elements, { op = 'sum', caller }: { op?: ReduceOp; caller: Caller }): Call {
  const { rank, seq, step } = caller;
  const dtype = dtypeOf(x, 'allReduce');
  checkReduction('allReduce', dtype, op);
  return {
    operation: 'allReduce',
    rank,
    seq,
    step,
    dtype,
    op,
    source: undefined,
    elements: x.length,
    counts: none,
    input: x,
    output: x,
  };
}

/** @throws {CollectivesError} `bad-argument`, `unsupported`. */
export function reduceScatterCall(
  mine: Elements,
  whole: Elements,
  { counts, op = 'sum', caller }: { counts: readonly number[]; op?: ReduceOp; caller: Caller },
): Call {
  const { rank, seq, step } = caller;
  const dtype = checkParts('reduceScatter', { mine, whole }, { counts, caller });
  checkReduction('reduceScatter', dtype, op);
  return {
    operation: 'reduceScatter',
    rank,
    seq,
    step,
    dtype,
    op,
    source: undefined,
    elements: whole.length,
    counts,
    input: whole,
    output: mine,
  };
}

/** @throws {CollectivesError} `bad-argument`. */
export function allGatherCall(
  whole: Elements,
  mine: Elements,
  { counts, caller }: { counts: readonly number[]; caller: Caller },
): Call {
  const { rank, seq, step } = caller;
  const dtype = checkParts('allGather', { mine, whole }, { counts, caller });
  return {
    operation: 'allGather',
    rank,
    seq,
    step,
    dtype,
    op: undefined,
    source: undefined,
    elements: whole.length,
    counts,
    input: mine,
    output: whole,
  };
}

/** @throws {CollectivesError} `bad-argument`. */
export function broadcastCall(x: Elements, { source, caller }: { source: number; caller: Caller }): Call {
  const { rank, seq, step } = caller;
  const dtype = dtypeOf(x, 'broadcast');
  if (!Number.isInteger(source) || source < 0 || source >= caller.size) {
    fail('broadcast', `source must be a rank from 0 to ${caller.size - 1}, got ${source}.`);
  }
  return {
    operation: 'broadcast',
    rank,
    seq,
    step,
    dtype,
    op: undefined,
    source,
    elements: x.length,
    counts: none,
    input: x,
    output: x,
  };
}

// Every call has the same fields in the same order, and is written out in one literal: the shortest calls take well under a
// microsecond, and making one by spreading another costs more than that.
const bare = (operation: Operation, counts: readonly number[], { rank, seq, step }: Caller): Call => ({
  operation,
  rank,
  seq,
  step,
  dtype: dtypes[0]!,
  op: undefined,
  source: undefined,
  elements: 0,
  counts,
  input: undefined,
  output: undefined,
});

/** A call that only meets. */
export const barrierCall = (caller: Caller): Call => bare('barrier', none, caller);

/** A call that makes registered memory; what all ranks must agree on travels as counts. */
export const allocateCall = (sizes: { peerBytes: number; groupBytes: number }, caller: Caller): Call =>
  bare('allocate', [sizes.peerBytes, sizes.groupBytes], caller);

/** A call as a person would say it: `reduceScatter of 1000 float32, op sum, counts [500, 500]`. */
export function describe({ operation, dtype, op, source, elements, counts }: Signature): string {
  if (operation === 'barrier') return 'barrier';
  if (operation === 'allocate') return `allocate of ${counts[0]} bytes per rank and ${counts[1]} for the group`;
  const list = counts.length > 16 ? `${counts.slice(0, 16).join(', ')}, ... ${counts.length} in all` : counts.join(', ');
  return [
    `${operation} of ${elements} ${dtype.name}`,
    ...(op === undefined ? [] : [`op ${op}`]),
    ...(source === undefined ? [] : [`source ${source}`]),
    ...(counts.length === 0 ? [] : [`counts [${list}]`]),
  ].join(', ');
}

/** Number of a reduction on a call line; 0 is none. */
export const opNumber = (op: ReduceOp | undefined): number => (op === undefined ? 0 : reduceOps.indexOf(op) + 1);
/** The reduction of such a number; undefined for none. */
export const opOfNumber = (number: number): ReduceOp | undefined => reduceOps[number - 1];
