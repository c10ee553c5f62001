import { TensorError } from '../errors.ts';
import type { Run } from '../runs.ts';
import { type Attribute, attributeType } from './attributes.ts';
import type { Pointer } from './c-api.ts';
import type { TensorFlowContext } from './context.ts';
import { dataType, layoutOf, type NumberArray } from './data-types.ts';
import { operationRunner } from './execute.ts';
import { newHandles } from './handles.ts';
import { newSavedModels } from './saved-models.ts';
import { openTensorMemory } from './tensor-memory.ts';

/** What TensorFlow.js's node kernels are told about a result. */
export interface TensorMetadata {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

/**
 * The native half of `@tensorflow/tfjs-node`, in TypeScript: what its package calls `TFJSBinding`, plus the device of an operation
 * and two ways to memory that belongs to somebody else.
 */
export interface TensorFlowBinding extends Readonly<typeof dataType>, Readonly<typeof attributeType> {
  readonly TF_Version: string;
  /** A tensor with a copy of `values`. @throws {TensorError} `bad-argument` when shape, type and values don't fit. */
  createTensor(shape: readonly number[], type: number, values: ArrayBufferView | readonly Uint8Array[]): number;
  /** @throws {TensorError} `unknown-tensor`. */
  deleteTensor(id: number): void;
  /** A copy of a tensor's values: a typed array, or one byte array a string. @throws {TensorError} `unknown-tensor`, `unsupported`. */
  tensorDataSync(id: number): NumberArray | Uint8Array[];
  /** Runs one operation. @throws {TensorError} `tensorflow-error`, which names it; `unknown-tensor`. */
  executeOp(
    name: string,
    attributes: readonly Attribute[],
    inputs: readonly number[],
    outputs: number,
    device?: string,
  ): TensorMetadata[];
  /** Copies runs of a float32 tensor to an array. Runs are trusted: `checkRuns` first. */
  copyOut(id: number, target: Float32Array, runs: readonly Run[]): void;
  /** A fresh float32 tensor out of runs of an array, which must cover it. Runs are trusted: `checkRuns` first. */
  copyIn(shape: readonly number[], source: Float32Array, runs: readonly Run[]): TensorMetadata;
  /** Tensors that JavaScript holds. */
  getNumOfTensors(): number;
  isUsingGpuDevice(): boolean;
  getNumOfSavedModels(): number;
  /** @param tags separated by commas. @returns its number. @throws {TensorError} `tensorflow-error`. */
  loadSavedModel(path: string, tags: string): number;
  /** @param names of inputs and outputs, each separated by commas. @throws {TensorError} `tensorflow-error`, `unknown-model`, `bad-argument`. */
  runSavedModel(id: number, inputs: readonly number[], inputNames: string, outputNames: string): TensorMetadata[];
  /** @throws {TensorError} `unknown-model`. */
  deleteSavedModel(id: number): void;
}

/** @returns the binding over a running TensorFlow. */
export function createBinding(tensorflow: TensorFlowContext): TensorFlowBinding {
  const { api, status } = tensorflow;
  const handles = newHandles();
  const execute = operationRunner(tensorflow);
  const memory = openTensorMemory(tensorflow, execute);
  const models = newSavedModels(tensorflow);

  /** Takes a handle over. */
  const described = (handle: Pointer): TensorMetadata => {
    const shape = new Array<number>(api.TFE_TensorHandleNumDims(handle, status.pointer));
    for (let i = 0; i < shape.length; i++) shape[i] = api.TFE_TensorHandleDim(handle, i, status.pointer);
    return { id: handles.add(handle), shape, dtype: api.TFE_TensorHandleDataType(handle) };
  };

  return {
    ...dataType,
    ...attributeType,
    TF_Version: tensorflow.version,

    createTensor(shape, type, values) {
      checkFit(shape, type, values);
      return handles.add(
        ArrayBuffer.isView(values) ? memory.fromNumbers(shape, type, values) : memory.fromStrings(shape, values),
      );
    },
    deleteTensor: (id) => api.TFE_DeleteTensorHandle(handles.take(id, 'deleteTensor')),
    tensorDataSync: (id) => memory.read(handles.get(id, 'tensorDataSync')),

    executeOp(name, attributes, ids, outputs, device) {
      const inputs = ids.map((id) => handles.get(id, name));
      return execute({ name, attributes, inputs, outputs, device }).map(described);
    },

    copyOut: (id, target, runs) => memory.toRuns(handles.get(id, 'copyOut'), target, runs),
    copyIn: (shape, source, runs) => described(memory.fromRuns(shape, source, runs)),

    getNumOfTensors: () => handles.size,
    isUsingGpuDevice: () => tensorflow.usesGpu,
    getNumOfSavedModels: () => models.size,
    loadSavedModel: models.load,
    runSavedModel(id, inputs, inputNames, outputNames) {
      const names = inputNames.split(',');
      const feeds = inputs.map((input, i) => ({ name: names[i] ?? '', handle: handles.get(input, 'saved model') }));
      return models.run(id, feeds, outputNames.split(',')).map(described);
    },
    deleteSavedModel: models.delete,
  };
}

function checkFit(shape: readonly number[], type: number, values: ArrayBufferView | readonly Uint8Array[]): void {
  const elements = shape.reduce((product, n) => product * n, 1);
  let got: string;
  if (ArrayBuffer.isView(values)) {
    const { bytes, accepts } = layoutOf(type, 'createTensor');
    if (accepts.includes(values.constructor.name) && values.byteLength === elements * bytes) return;
    got = `${values.byteLength} bytes in ${values.constructor.name}`;
  } else {
    if (type === dataType.TF_STRING && values.length === elements) return;
    got = `${values.length} strings`;
  }
  throw new TensorError(
    'bad-argument',
    `createTensor: got ${got} for shape [${shape.join(', ')}] of TensorFlow's type ${type}.`,
    { shape, type },
  );
}
