import { CollectivesError } from './errors.ts';

/** What a collective carries: any typed array. Every dtype can be moved; float32, float64 and int32 can also be reduced. */
export type Elements =
  | Float32Array
  | Float64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | BigInt64Array
  | BigUint64Array;

/** How elements are combined over the ranks. `mean` is the sum times fround(1 / size), in float32. */
export type ReduceOp = 'sum' | 'mean' | 'min' | 'max';

/** A dtype that the kernels can reduce. */
export type ReducibleType = 'float32' | 'float64' | 'int32';

/** Kind and width of an element; `number` stands for it where ranks compare their calls. */
export interface Dtype {
  readonly name: string;
  readonly number: number;
  readonly bytes: number;
}

const tags: readonly (readonly [tag: string, name: string, bytes: number])[] = [
  ['Float32Array', 'float32', 4],
  ['Float64Array', 'float64', 8],
  ['Int32Array', 'int32', 4],
  ['Uint32Array', 'uint32', 4],
  ['Int16Array', 'int16', 2],
  ['Uint16Array', 'uint16', 2],
  ['Int8Array', 'int8', 1],
  ['Uint8Array', 'uint8', 1],
  ['Uint8ClampedArray', 'uint8-clamped', 1],
  ['BigInt64Array', 'int64', 8],
  ['BigUint64Array', 'uint64', 8],
];

/** All dtypes, by number. Number 0 is a call without elements. */
export const dtypes: readonly Dtype[] = [
  { name: 'nothing', number: 0, bytes: 1 },
  ...tags.map(([, name, bytes], i) => ({ name, number: i + 1, bytes })),
];

const byTag = new Map(tags.map(([tag], i) => [tag, dtypes[i + 1]!]));

/** @throws {CollectivesError} `bad-argument` where `x` is not a typed array. */
export function dtypeOf(x: Elements, who: string): Dtype {
  // The tag, not instanceof: an array of another realm is as good.
  const dtype = ArrayBuffer.isView(x) ? byTag.get((x as Elements)[Symbol.toStringTag]) : undefined;
  if (dtype === undefined) {
    throw new CollectivesError('bad-argument', `${who}: expected a typed array, got ${x === null ? 'null' : typeof x}.`);
  }
  return dtype;
}

/** Whether the kernels can reduce this dtype. */
export const isReducible = (name: string): name is ReducibleType => name === 'float32' || name === 'float64' || name === 'int32';

/** The bytes of an array, without a copy. */
export const bytesOf = (x: Elements): Uint8Array => new Uint8Array(x.buffer, x.byteOffset, x.byteLength);

/** Copies one array over another of the same length, whatever their dtypes' kinds; nothing where they are the same bytes. */
export function copyElements(to: Elements, from: Elements): void {
  if (to.buffer === from.buffer && to.byteOffset === from.byteOffset) return;
  bytesOf(to).set(bytesOf(from));
}
