import { TensorError } from '../errors.ts';

/** TensorFlow's numbers for the types of elements that TensorFlow.js carries (`tf_datatype.h`). */
export const dataType = {
  TF_FLOAT: 1,
  TF_DOUBLE: 2,
  TF_INT32: 3,
  TF_UINT8: 4,
  TF_STRING: 7,
  TF_COMPLEX64: 8,
  TF_INT64: 9,
  TF_BOOL: 10,
  TF_RESOURCE: 20,
} as const;

/** How the numbers of one element type lie in memory, and which typed array shows them to JavaScript. */
interface Layout {
  readonly bytes: number;
  /** Typed arrays that `createTensor` takes. */
  readonly accepts: readonly string[];
  /** A fresh array for `lengthBytes` of TensorFlow's memory. */
  readonly array: (lengthBytes: number) => NumberArray;
}

/** What numbers come back in. */
export type NumberArray = Float32Array | Float64Array | Int32Array | Uint8Array | BigInt64Array;

const layouts: Readonly<Record<number, Layout>> = {
  [dataType.TF_FLOAT]: { bytes: 4, accepts: ['Float32Array'], array: (n) => new Float32Array(n / 4) },
  // TensorFlow.js has no float64; raw operations pass it between them.
  [dataType.TF_DOUBLE]: { bytes: 8, accepts: ['Float64Array'], array: (n) => new Float64Array(n / 8) },
  [dataType.TF_INT32]: { bytes: 4, accepts: ['Int32Array'], array: (n) => new Int32Array(n / 4) },
  [dataType.TF_UINT8]: { bytes: 1, accepts: ['Uint8Array', 'Uint8ClampedArray'], array: (n) => new Uint8Array(n) },
  [dataType.TF_BOOL]: { bytes: 1, accepts: ['Uint8Array'], array: (n) => new Uint8Array(n) },
  // Real and imaginary part side by side.
  [dataType.TF_COMPLEX64]: { bytes: 8, accepts: ['Float32Array'], array: (n) => new Float32Array(n / 4) },
  // TensorFlow.js has no int64: its node kernels hand over low and high halves as int32, and warn that they get back BigInt64Array.
  [dataType.TF_INT64]: { bytes: 8, accepts: ['Int32Array', 'BigInt64Array'], array: (n) => new BigInt64Array(n / 8) },
};

/** @throws {TensorError} `unsupported` for an element type that JavaScript has no array for. */
export function layoutOf(type: number, operation: string): Layout {
  const layout = layouts[type];
  if (layout === undefined) {
    throw new TensorError(
      'unsupported',
      `${operation}: elements of TensorFlow's type ${type} can't be read into JavaScript. Cast the tensor to float32, int32 or bool first.`,
      { type },
    );
  }
  return layout;
}
