import type { Tensor } from '@tensorflow/tfjs-core';
import type { Run } from '../runs.ts';
import { nodeBackend } from './backend.ts';

/** Copies between TensorFlow's memory and typed arrays in any memory, shared or not, without a stop in between. Runs are trusted. */
export interface TensorFlowMemory {
  /** @returns whether the tensor's values were in TensorFlow's memory; if not, nothing was copied. */
  copyOut(tensor: Tensor, target: Float32Array, runs: readonly Run[]): boolean;
  /** @returns a fresh tensor. */
  copyIn(source: Float32Array, shape: readonly number[], runs: readonly Run[]): Tensor;
}

/** @returns nothing where the current backend isn't TensorFlow through this package's binding. */
export function tensorflowMemory(): TensorFlowMemory | undefined {
  const node = nodeBackend();
  if (node === undefined) return undefined;
  return {
    copyOut(tensor, target, runs) {
      if (!node.tensorMap.has(tensor.dataId)) return false;
      const { id, values } = node.tensorMap.get(tensor.dataId);
      if (values !== null) return false;
      node.binding.copyOut(id, target, runs);
      return true;
    },
    copyIn: (source, shape, runs) => node.createOutputTensor(node.binding.copyIn(shape, source, runs)),
  };
}
