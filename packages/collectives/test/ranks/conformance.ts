/**
 * A rank of the conformance suite: makes every call of the matrix and compares the result, to the bit, with the rank-order oracle,
 * which it computes alone from the inputs of all ranks. Reports the number of cases and a sentence for each that failed.
 */
import { connect, type Elements, type GroupMemory, type ProcessGroup, type ReduceOp } from '../../src/index.ts';
import { type Numbers, reduceScalar } from '../../src/kernels/scalar.ts';
import { report } from '../../src/testing/index.ts';

type ArrayType = {
  readonly name: string;
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): Elements;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): Elements;
};

const reducible = [Float32Array, Float64Array, Int32Array] as const satisfies readonly ArrayType[];
const movable = [
  Float32Array,
  Float64Array,
  Int32Array,
  Uint32Array,
  Uint16Array,
  Int8Array,
  Uint8ClampedArray,
  BigInt64Array,
] as const;
const MB = 2 ** 20 / 4; // elements of float32

/** Where this rank's arrays lie. `mixed`: registered on even ranks, private on odd ones. */
const places = ['private', 'registered', 'mixed'] as const;
type PlaceName = (typeof places)[number];

const group: ProcessGroup = await connect({ timeoutMs: 30_000 });
const { rank, size } = group;
const memory: GroupMemory = group.allocate({ peerBytes: 24 << 20, groupBytes: 16 << 20, privateBytes: 16 << 20 });
const ranks = Array.from({ length: size }, (_, r) => r);
const failures: string[] = [];
let cases = 0;

const made = new Map<string, Elements>();

/** Makes an array once. Nobody writes to it. */
function once(key: string, make: () => Elements): Elements {
  const x = made.get(key) ?? make();
  made.set(key, x);
  return x;
}

const values = (type: ArrayType, length: number, seed: number) =>
  once(`${type.name} ${length} ${seed}`, () => newValues(type, length, seed));

/** The same numbers on every rank for the same seed; values with many digits, so that every rounding shows. */
function newValues(type: ArrayType, length: number, seed: number): Elements {
  const x = new type(length);
  const floats = x instanceof Float32Array || x instanceof Float64Array;
  const powers = [1, 10, 100, 1e3, 1e4, 1e5, 1e6];
  let state = (Math.imul(seed + 1, 0x9e3779b1) ^ length) >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const value = floats ? (state / 2 ** 32 - 0.5) * powers[state % 7]! : state - 2 ** 31;
    x[i] = (x instanceof BigInt64Array ? BigInt(value) : value) as never;
  }
  return x;
}

const hex = (x: Elements) => Buffer.from(new Uint8Array(x.buffer, x.byteOffset, x.byteLength));

function check(what: string, actual: Elements, expected: Elements): void {
  cases++;
  if (hex(actual).equals(hex(expected))) return;
  const at = [...expected].findIndex((value, i) => actual[i] !== value);
  failures.push(`rank ${rank}: ${what}: element ${at} of ${expected.length} is ${actual[at]}, expected ${expected[at]}`);
}

/** What a reduction of all ranks' values of these seeds must give. */
function reduced(type: ArrayType, { length, seed, op }: { length: number; seed: number; op: ReduceOp }): Elements {
  return once(`${op} ${type.name} ${length} ${seed}`, () =>
    oracle(
      ranks.map((r) => values(type, length, seed + r)),
      op,
    ),
  );
}

function oracle(inputs: readonly Elements[], op: ReduceOp): Elements {
  const out = inputs[0]!.slice() as Numbers;
  const scale = op !== 'mean' ? 1 : out instanceof Float32Array ? Math.fround(1 / size) : 1 / size;
  reduceScalar([out], inputs as Numbers[], { op: op === 'mean' ? 'sum' : op, scale });
  return out;
}

/** Hands out arrays at a place, one behind the other, at odd addresses. */
function arrays(place: PlaceName) {
  const registered = place === 'registered' || (place === 'mixed' && rank % 2 === 0);
  let next = memory.peerOffset(rank);
  return (type: ArrayType, content: Elements): Elements => {
    const start = Math.ceil(next / 8) * 8 + type.BYTES_PER_ELEMENT;
    const x = registered ? new type(memory.memory.buffer, start, content.length) : new type(content.length);
    next = start + x.byteLength;
    x.set(content as never);
    return x;
  };
}

/** Even, ragged, all to one rank, and with ranks that have nothing. */
function countsOf(length: number): (readonly [string, number[]])[] {
  const even = Array.from({ length: size }, (_, r) => Math.floor(length / size) + (r < length % size ? 1 : 0));
  const triangle = (size * (size + 1)) / 2;
  const ragged = Array.from({ length: size }, (_, r) => Math.floor((length * (r + 1)) / triangle));
  ragged[0]! += length - ragged.reduce((a, b) => a + b, 0);
  const one = Array.from({ length: size }, (_, r) => (r === size - 1 ? length : 0));
  return [
    ['even', even],
    ['ragged', ragged],
    ['one', one],
  ];
}

const start = (counts: readonly number[], r: number) => counts.slice(0, r).reduce((a, b) => a + b, 0);
const part = (x: Elements, counts: readonly number[], r: number) => x.subarray(start(counts, r), start(counts, r + 1));

function allReduce(type: ArrayType, length: number, place: PlaceName): void {
  for (const op of ['sum', 'mean', 'min', 'max'] as const) {
    if (op === 'mean' && type === Int32Array) continue;
    const x = arrays(place)(type, values(type, length, rank));
    group.allReduceSync(x, { op });
    check(`allReduce ${op} ${type.name} ${length} ${place}`, x, reduced(type, { length, seed: 0, op }));
  }
}

function reduceScatter(type: ArrayType, length: number, place: PlaceName): void {
  for (const [shape, counts] of countsOf(length)) {
    for (const op of ['sum', 'mean'] as const) {
      if (op === 'mean' && (type === Int32Array || shape !== 'ragged')) continue;
      for (const target of ['in place', 'beside', 'elsewhere'] as const) {
        const make = arrays(place);
        const whole = make(type, values(type, length, 10 + rank));
        const own = part(whole, counts, rank);
        const empty = new type(own.length);
        const mine = target === 'in place' ? own : target === 'beside' ? make(type, empty) : privateArray(type, own.length);
        group.reduceScatterSync(mine, whole, { counts, op });
        const what = `reduceScatter ${op} ${type.name} ${length} ${shape} ${place} ${target}`;
        check(what, mine, part(reduced(type, { length, seed: 10, op }), counts, rank));
        if (target !== 'in place') check(`${what}: the whole`, whole, values(type, length, 10 + rank));
      }
    }
  }
}

/** In the private part of the registered memory. */
const privateArray = (type: ArrayType, length: number) => new type(memory.memory.buffer, memory.privateOffset, length);

function allGather(type: ArrayType, length: number, place: PlaceName): void {
  for (const [shape, counts] of countsOf(length)) {
    const expected = values(type, length, 20);
    for (const target of ['in place', 'beside', 'group', 'into group'] as const) {
      const make = arrays(place);
      const inGroup = target === 'group' || target === 'into group';
      const whole = inGroup
        ? new type(memory.memory.buffer, memory.groupOffset + type.BYTES_PER_ELEMENT, length)
        : make(type, new type(length));
      if (inGroup) {
        group.barrierSync(); // all have looked at the last result
        part(whole, counts, rank).fill((type === BigInt64Array ? 7n : 7) as never);
        group.barrierSync();
      }
      const own = part(expected, counts, rank);
      const inPlace = target === 'in place' || target === 'group';
      if (inPlace) part(whole, counts, rank).set(own as never);
      const mine = inPlace ? part(whole, counts, rank) : make(type, own);
      group.allGatherSync(whole, mine, { counts });
      check(`allGather ${type.name} ${length} ${shape} ${place} ${target}`, whole, expected);
      check(`allGather ${type.name} ${length} ${shape} ${place} ${target}: mine`, mine, own);
    }
  }
}

function broadcast(type: ArrayType, length: number, place: PlaceName): void {
  for (const source of new Set([0, size - 1])) {
    const expected = values(type, length, 30 + source);
    const x = arrays(place)(type, rank === source ? expected : new type(length));
    group.broadcastSync(x, { source });
    check(`broadcast ${type.name} ${length} ${place} from ${source}`, x, expected);
  }
}

for (const place of places) {
  for (const length of place === 'mixed' ? [0, 1003] : [0, 1, 7, 1000, 1003]) {
    const every = length === 1003; // all dtypes at one size, float32 at all sizes
    for (const type of every ? reducible : [Float32Array]) {
      allReduce(type, length, place);
      reduceScatter(type, length, place);
    }
    for (const type of every ? movable : [Float32Array]) {
      allGather(type, length, place);
      broadcast(type, length, place);
    }
  }
  // One megabyte, and more than the blocks that pass through the slots at once.
  for (const length of [MB, 3 * MB + 5]) {
    allReduce(Float32Array, length, place);
    if (place === 'mixed') continue;
    reduceScatter(Float32Array, length, place);
    allGather(Float32Array, length, place);
    broadcast(Float32Array, length, place);
  }
}

// The promise forms do the same.
const sum = reduced(Float32Array, { length: 100, seed: 0, op: 'sum' });
const counts = countsOf(100)[1]![1];
const x = values(Float32Array, 100, rank).slice();
await group.allReduce(x);
check('promise of allReduce', x, sum);
const whole = values(Float32Array, 100, rank).slice();
await group.reduceScatter(part(whole, counts, rank), whole, { counts });
await group.allGather(whole, part(whole, counts, rank), { counts });
check('promise of reduceScatter, then of allGather', whole, sum);
const told = values(Float32Array, 100, rank).slice();
await group.broadcast(told, { source: size - 1 });
check('promise of broadcast', told, values(Float32Array, 100, size - 1));
await group.barrier();

const { capabilities } = group;
await group.close();
report({ cases, failures, capabilities, zeroCopy: memory.zeroCopy });
