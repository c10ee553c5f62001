import { forEachRow, type Run } from '../runs.ts';
import { attribute } from './attributes.ts';
import { addressOf, bindCopyMemory, type Pointer } from './c-api.ts';
import type { TensorFlowContext } from './context.ts';
import { dataType, layoutOf, type NumberArray } from './data-types.ts';
import type { Execute } from './execute.ts';
import { deleteStringTensor, newStringTensor, readStrings } from './strings.ts';

/** Moves values between JavaScript's memory and TensorFlow's. Handles that come back are the caller's. */
export interface TensorMemory {
  /** A tensor with a copy of numbers that fit its shape and type. */
  fromNumbers(shape: readonly number[], type: number, values: ArrayBufferView): Pointer;
  /** A string tensor with copies of byte strings. */
  fromStrings(shape: readonly number[], strings: readonly Uint8Array[]): Pointer;
  /** A float32 tensor out of runs of an array. */
  fromRuns(shape: readonly number[], source: Float32Array, runs: readonly Run[]): Pointer;
  /** Copies runs of a float32 tensor to an array. */
  toRuns(handle: Pointer, target: Float32Array, runs: readonly Run[]): void;
  /** A copy of all values: numbers, or one byte array a string. */
  read(handle: Pointer): NumberArray | Uint8Array[];
}

const FLOAT_BYTES = Float32Array.BYTES_PER_ELEMENT;

/** @returns the ways in and out of a running TensorFlow's memory. */
export function openTensorMemory(tensorflow: TensorFlowContext, execute: Execute): TensorMemory {
  const { api, status, context } = tensorflow;
  const copy = bindCopyMemory();

  /** A handle that shares the bytes of a tensor, which stays the caller's. */
  const handleOf = (tensor: Pointer): Pointer => {
    const handle = api.TFE_NewTensorHandle(tensor, status.pointer);
    status.check('new tensor');
    return handle;
  };

  /** GPU kernels expect int32 in host memory, other numbers on the GPU. */
  const onDevice = (handle: Pointer, type: number): Pointer => {
    if (!tensorflow.usesGpu || type === dataType.TF_INT32) return handle;
    const moved = api.TFE_TensorHandleCopyToDevice(handle, context, tensorflow.device, status.pointer);
    api.TFE_DeleteTensorHandle(handle);
    status.check('copy to the GPU');
    return moved;
  };

  const allocate = (shape: readonly number[], type: number, lengthBytes: number, fill: (data: Pointer) => void): Pointer => {
    const tensor = api.TF_AllocateTensor(type, BigInt64Array.from(shape, BigInt), shape.length, lengthBytes);
    try {
      if (lengthBytes > 0) fill(api.TF_TensorData(tensor));
      return onDevice(handleOf(tensor), type);
    } finally {
      api.TF_DeleteTensor(tensor);
    }
  };

  /** Runs `use` on a tensor in host memory that shares the handle's bytes where it can. */
  const resolved = <Result>(handle: Pointer, use: (tensor: Pointer) => Result): Result => {
    const tensor = api.TFE_TensorHandleResolve(handle, status.pointer);
    status.check('read of a tensor');
    try {
      return use(tensor);
    } finally {
      api.TF_DeleteTensor(tensor);
    }
  };

  return {
    fromNumbers: (shape, type, values) =>
      allocate(shape, type, values.byteLength, (data) => copy(data, addressOf(values), values.byteLength)),

    fromStrings(shape, strings) {
      const tensor = newStringTensor(api, BigInt64Array.from(shape, BigInt), strings);
      let shared: Pointer | undefined;
      try {
        shared = handleOf(tensor);
        // The handle shares our strings, which nobody would free in the end; TensorFlow owns those of its own copy.
        const [own] = execute({ name: 'DeepCopy', attributes: [attribute.type('T', 'string')], inputs: [shared], outputs: 1 });
        return own as Pointer;
      } finally {
        if (shared !== undefined) api.TFE_DeleteTensorHandle(shared);
        deleteStringTensor(api, tensor, strings.length);
      }
    },

    fromRuns(shape, source, runs) {
      const size = shape.reduce((product, n) => product * n, 1);
      return allocate(shape, dataType.TF_FLOAT, size * FLOAT_BYTES, (tensor) => {
        const buffer = addressOf(source);
        forEachRow(runs, (to, from, length) =>
          copy(tensor + to * FLOAT_BYTES, buffer + from * FLOAT_BYTES, length * FLOAT_BYTES),
        );
      });
    },

    toRuns(handle, target, runs) {
      resolved(handle, (tensor) => {
        const data = api.TF_TensorData(tensor);
        const buffer = addressOf(target);
        forEachRow(runs, (from, to, length) => copy(buffer + to * FLOAT_BYTES, data + from * FLOAT_BYTES, length * FLOAT_BYTES));
      });
    },

    read(handle) {
      const type = api.TFE_TensorHandleDataType(handle);
      return resolved(handle, (tensor) => {
        if (type === dataType.TF_STRING) return readStrings(api, tensor, copy);
        const lengthBytes = api.TF_TensorByteSize(tensor);
        // A resource shows the bytes of its description.
        const values =
          type === dataType.TF_RESOURCE ? new Uint8Array(lengthBytes) : layoutOf(type, 'read of a tensor').array(lengthBytes);
        if (lengthBytes > 0) copy(addressOf(values), api.TF_TensorData(tensor), lengthBytes);
        // TensorFlow.js calls uint8 int32, and readers of an int32 tensor expect an Int32Array.
        return type === dataType.TF_UINT8 ? Int32Array.from(values as Uint8Array) : values;
      });
    },
  };
}
