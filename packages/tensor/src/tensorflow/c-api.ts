import koffi, { type LibraryHandle } from 'koffi';

/** An address in this process, or a pointer that TensorFlow handed out. Addresses fit a double exactly. */
export type Pointer = number;

/** TensorFlow's C API, as far as the binding calls it. Functions that can fail take a status last; see `Status`. */
export interface TensorFlowApi {
  TF_Version(): string;
  TF_NewStatus(): Pointer;
  TF_GetCode(status: Pointer): number;
  TF_Message(status: Pointer): string;
  TF_SetStatus(status: Pointer, code: number, message: string): void;

  TFE_NewContextOptions(): Pointer;
  TFE_ContextOptionsSetConfig(options: Pointer, proto: Uint8Array, length: number, status: Pointer): void;
  TFE_DeleteContextOptions(options: Pointer): void;
  TFE_NewContext(options: Pointer, status: Pointer): Pointer;
  TFE_ContextListDevices(context: Pointer, status: Pointer): Pointer;
  TF_DeviceListCount(list: Pointer): number;
  TF_DeviceListName(list: Pointer, index: number, status: Pointer): string;
  TF_DeviceListType(list: Pointer, index: number, status: Pointer): string;
  TF_DeleteDeviceList(list: Pointer): void;

  TFE_NewOp(context: Pointer, name: string, status: Pointer): Pointer;
  TFE_DeleteOp(operation: Pointer): void;
  TFE_OpSetDevice(operation: Pointer, device: string, status: Pointer): void;
  TFE_OpAddInput(operation: Pointer, handle: Pointer, status: Pointer): void;
  TFE_OpSetAttrType(operation: Pointer, name: string, type: number): void;
  TFE_OpSetAttrTypeList(operation: Pointer, name: string, types: Int32Array, count: number): void;
  TFE_OpSetAttrInt(operation: Pointer, name: string, value: number): void;
  TFE_OpSetAttrIntList(operation: Pointer, name: string, values: BigInt64Array, count: number): void;
  TFE_OpSetAttrFloat(operation: Pointer, name: string, value: number): void;
  TFE_OpSetAttrFloatList(operation: Pointer, name: string, values: Float32Array, count: number): void;
  TFE_OpSetAttrBool(operation: Pointer, name: string, value: number): void;
  TFE_OpSetAttrBoolList(operation: Pointer, name: string, values: Uint8Array, count: number): void;
  TFE_OpSetAttrString(operation: Pointer, name: string, value: Uint8Array, length: number): void;
  TFE_OpSetAttrShape(operation: Pointer, name: string, dimensions: BigInt64Array, count: number, status: Pointer): void;
  /** Reads the room for outputs from `count` and writes there how many came; the handles go to `outputs`. */
  TFE_Execute(operation: Pointer, outputs: BigInt64Array, count: Int32Array, status: Pointer): void;

  TFE_NewTensorHandle(tensor: Pointer, status: Pointer): Pointer;
  TFE_DeleteTensorHandle(handle: Pointer): void;
  TFE_TensorHandleDataType(handle: Pointer): number;
  TFE_TensorHandleNumDims(handle: Pointer, status: Pointer): number;
  TFE_TensorHandleDim(handle: Pointer, dimension: number, status: Pointer): number;
  /** A tensor in host memory that shares the handle's bytes where those are in host memory too. */
  TFE_TensorHandleResolve(handle: Pointer, status: Pointer): Pointer;
  TFE_TensorHandleCopyToDevice(handle: Pointer, context: Pointer, device: string, status: Pointer): Pointer;

  TF_AllocateTensor(type: number, dimensions: BigInt64Array, count: number, lengthBytes: number): Pointer;
  TF_DeleteTensor(tensor: Pointer): void;
  TF_TensorData(tensor: Pointer): Pointer;
  TF_TensorByteSize(tensor: Pointer): number;
  TF_TensorElementCount(tensor: Pointer): number;

  TF_NewSessionOptions(): Pointer;
  TF_SetConfig(options: Pointer, proto: Uint8Array, length: number, status: Pointer): void;
  TF_DeleteSessionOptions(options: Pointer): void;
  TF_NewGraph(): Pointer;
  TF_DeleteGraph(graph: Pointer): void;
  /** The 0s stand for run options and for the meta graph, which nobody asks for. */
  TF_LoadSessionFromSavedModel(
    options: Pointer,
    none: 0,
    path: string,
    tags: readonly string[],
    count: number,
    graph: Pointer,
    noMetaGraph: 0,
    status: Pointer,
  ): Pointer;
  TF_CloseSession(session: Pointer, status: Pointer): void;
  TF_DeleteSession(session: Pointer, status: Pointer): void;
  TF_GraphOperationByName(graph: Pointer, name: string): Pointer;
  TF_SessionRun(
    session: Pointer,
    none: 0,
    inputs: BigInt64Array,
    values: BigInt64Array,
    inputCount: number,
    outputs: BigInt64Array,
    results: BigInt64Array,
    outputCount: number,
    noTargets: 0,
    targetCount: 0,
    noMetadata: 0,
    status: Pointer,
  ): void;

  TF_StringInit(string: Pointer): void;
  TF_StringCopy(string: Pointer, source: Uint8Array, length: number): void;
  TF_StringGetDataPointer(string: Pointer): Pointer;
  TF_StringGetSize(string: Pointer): number;
  TF_StringDealloc(string: Pointer): void;
}

/** Result and parameter types of every function, for koffi. `P` is a pointer carried as a number. */
const P = 'intptr_t';
const signatures: Record<keyof TensorFlowApi, readonly [result: string, ...parameters: string[]]> = {
  TF_Version: ['str'],
  TF_NewStatus: [P],
  TF_GetCode: ['int', P],
  TF_Message: ['str', P],
  TF_SetStatus: ['void', P, 'int', 'str'],
  TFE_NewContextOptions: [P],
  TFE_ContextOptionsSetConfig: ['void', P, 'void *', 'size_t', P],
  TFE_DeleteContextOptions: ['void', P],
  TFE_NewContext: [P, P, P],
  TFE_ContextListDevices: [P, P, P],
  TF_DeviceListCount: ['int', P],
  TF_DeviceListName: ['str', P, 'int', P],
  TF_DeviceListType: ['str', P, 'int', P],
  TF_DeleteDeviceList: ['void', P],
  TFE_NewOp: [P, P, 'str', P],
  TFE_DeleteOp: ['void', P],
  TFE_OpSetDevice: ['void', P, 'str', P],
  TFE_OpAddInput: ['void', P, P, P],
  TFE_OpSetAttrType: ['void', P, 'str', 'int'],
  TFE_OpSetAttrTypeList: ['void', P, 'str', 'void *', 'int'],
  TFE_OpSetAttrInt: ['void', P, 'str', 'int64_t'],
  TFE_OpSetAttrIntList: ['void', P, 'str', 'void *', 'int'],
  TFE_OpSetAttrFloat: ['void', P, 'str', 'float'],
  TFE_OpSetAttrFloatList: ['void', P, 'str', 'void *', 'int'],
  TFE_OpSetAttrBool: ['void', P, 'str', 'uint8_t'],
  TFE_OpSetAttrBoolList: ['void', P, 'str', 'void *', 'int'],
  TFE_OpSetAttrString: ['void', P, 'str', 'void *', 'size_t'],
  TFE_OpSetAttrShape: ['void', P, 'str', 'void *', 'int', P],
  TFE_Execute: ['void', P, 'void *', 'void *', P],
  TFE_NewTensorHandle: [P, P, P],
  TFE_DeleteTensorHandle: ['void', P],
  TFE_TensorHandleDataType: ['int', P],
  TFE_TensorHandleNumDims: ['int', P, P],
  TFE_TensorHandleDim: ['int64_t', P, 'int', P],
  TFE_TensorHandleResolve: [P, P, P],
  TFE_TensorHandleCopyToDevice: [P, P, P, 'str', P],
  TF_AllocateTensor: [P, 'int', 'void *', 'int', 'size_t'],
  TF_DeleteTensor: ['void', P],
  TF_TensorData: [P, P],
  TF_TensorByteSize: ['size_t', P],
  TF_TensorElementCount: ['int64_t', P],
  TF_NewSessionOptions: [P],
  TF_SetConfig: ['void', P, 'void *', 'size_t', P],
  TF_DeleteSessionOptions: ['void', P],
  TF_NewGraph: [P],
  TF_DeleteGraph: ['void', P],
  TF_LoadSessionFromSavedModel: [P, P, P, 'str', 'str *', 'int', P, P, P],
  TF_CloseSession: ['void', P, P],
  TF_DeleteSession: ['void', P, P],
  TF_GraphOperationByName: [P, P, 'str'],
  TF_SessionRun: ['void', P, P, 'void *', 'void *', 'int', 'void *', 'void *', 'int', P, 'int', P, P],
  TF_StringInit: ['void', P],
  TF_StringCopy: ['void', P, 'void *', 'size_t'],
  TF_StringGetDataPointer: [P, P],
  TF_StringGetSize: ['size_t', P],
  TF_StringDealloc: ['void', P],
};

/**
 * Binds the C API of a loaded TensorFlow.
 *
 * @throws koffi's error, which names the symbol, where the library lacks one.
 */
export function bindTensorFlow(library: LibraryHandle): TensorFlowApi {
  const functions = Object.entries(signatures).map(([name, [result, ...parameters]]) => [
    name,
    library.func(name, result, parameters),
  ]);
  return Object.fromEntries(functions) as TensorFlowApi;
}

/** `memcpy` between two addresses; both ranges must exist and not overlap, which only the caller can know. */
export type CopyMemory = (to: Pointer, from: Pointer, lengthBytes: number) => void;

/** @returns the C library's `memcpy`. */
export function bindCopyMemory(): CopyMemory {
  return koffi.load(null).func('memcpy', P, [P, P, 'size_t']) as CopyMemory;
}

/** Where a typed array's first element lies. Valid while the array is referenced; buffers of arrays don't move. */
export function addressOf(array: ArrayBufferView): Pointer {
  return Number(koffi.address(array));
}
