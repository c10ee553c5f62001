import { addressOf, type CopyMemory, type Pointer, type TensorFlowApi } from './c-api.ts';
import { dataType } from './data-types.ts';

/** Bytes of one `TF_TString`, the same on every 64-bit machine; short strings lie in it, long ones behind a pointer. */
const STRING_BYTES = 24;

/**
 * A string tensor with copies of some byte strings. The caller owns it and ends it with `deleteStringTensor`.
 *
 * @param dimensions shape; its product is the number of strings.
 */
export function newStringTensor(api: TensorFlowApi, dimensions: BigInt64Array, strings: readonly Uint8Array[]): Pointer {
  const tensor = api.TF_AllocateTensor(dataType.TF_STRING, dimensions, dimensions.length, strings.length * STRING_BYTES);
  const data = api.TF_TensorData(tensor);
  strings.forEach((string, i) => {
    const place = data + i * STRING_BYTES;
    api.TF_StringInit(place);
    api.TF_StringCopy(place, string, string.length);
  });
  return tensor;
}

/**
 * Frees a tensor of `newStringTensor`, and first the long strings that hang on it, which only recent TensorFlows free by themselves. No handle
 * may share it any more.
 */
export function deleteStringTensor(api: TensorFlowApi, tensor: Pointer, count: number): void {
  const data = api.TF_TensorData(tensor);
  for (let i = 0; i < count; i++) api.TF_StringDealloc(data + i * STRING_BYTES);
  api.TF_DeleteTensor(tensor);
}

/** @returns copies of the byte strings of a string tensor in host memory. */
export function readStrings(api: TensorFlowApi, tensor: Pointer, copy: CopyMemory): Uint8Array[] {
  const data = api.TF_TensorData(tensor);
  return Array.from({ length: api.TF_TensorElementCount(tensor) }, (_, i) => {
    const place = data + i * STRING_BYTES;
    const bytes = new Uint8Array(api.TF_StringGetSize(place));
    if (bytes.length > 0) copy(addressOf(bytes), api.TF_StringGetDataPointer(place), bytes.length);
    return bytes;
  });
}
