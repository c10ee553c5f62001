import { backend, type Tensor } from '@tensorflow/tfjs-core';
import type { TensorFlowBinding, TensorMetadata } from './binding.ts';

/** What the package keeps of a tensor: its handle's number, or values that were not handed to TensorFlow yet. */
interface TensorRecord {
  readonly id: number;
  readonly values: unknown;
}

/** `NodeJSKernelBackend` of `@tensorflow/tfjs-node`, as far as this package uses it beside the public interface of backends. */
export interface NodeBackend {
  readonly binding: TensorFlowBinding;
  readonly isUsingGpuDevice: boolean;
  readonly tensorMap: { has(dataId: object): boolean; get(dataId: object): TensorRecord };
  /** Hands values that still lie in JavaScript to TensorFlow first. */
  getInputTensorIds(tensors: readonly Tensor[]): number[];
  createOutputTensor(metadata: TensorMetadata): Tensor;
}

/** @returns TensorFlow.js's current backend if it runs on this package's binding, else nothing. */
export function nodeBackend(): NodeBackend | undefined {
  const current = backend() as unknown as Partial<NodeBackend>;
  return current.binding !== undefined && 'copyOut' in current.binding ? (current as NodeBackend) : undefined;
}
