import { getBackend, type Tensor } from '@tensorflow/tfjs-core';
import { TensorError } from '../errors.ts';
import type { Attribute } from './attributes.ts';
import { nodeBackend } from './backend.ts';

/** How a raw operation runs. */
export interface RawOptions {
  readonly attributes?: readonly Attribute[];
  /** How many tensors come back. Default 1. */
  readonly outputs?: number;
  /** Where it runs: `/device:CPU:0`. Default: where TensorFlow would. */
  readonly device?: string;
}

/**
 * Runs any operation of TensorFlow by its name, as eager TensorFlow would: `executeRaw('Relu', [x], { attributes: [attribute.type('T', 'float32')] })`.
 * TensorFlow.js's tidy sees the results; its gradients don't, so wrap it in `customGrad` where one is needed.
 *
 * @throws {TensorError} `unsupported` when the current backend isn't TensorFlow through this package's binding; `tensorflow-error`.
 * @see tensorflow/core/ops/*.cc for names, inputs and attributes.
 */
export function executeRaw(
  operation: string,
  inputs: readonly Tensor[],
  { attributes = [], outputs = 1, device }: RawOptions = {},
): Tensor[] {
  const node = nodeBackend();
  if (node === undefined) {
    const remedy =
      getBackend() === 'tensorflow'
        ? 'the one that runs is of @tensorflow/tfjs-node: call useBackend() before importing that package'
        : 'call useBackend() first';
    throw new TensorError(
      'unsupported',
      `${operation}: raw operations need the backend "tensorflow" of this package; ${remedy}.`,
      {
        operation,
      },
    );
  }
  const results = node.binding.executeOp(operation, attributes, node.getInputTensorIds(inputs), outputs, device);
  return results.map((metadata) => node.createOutputTensor(metadata));
}
