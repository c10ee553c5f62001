import { add, matMul, type Tensor1D, type Tensor2D } from '@tensorflow/tfjs-core';

/** What a dense layer learns: kernel [in, out] and bias [out]. */
export interface DenseParameters {
  readonly kernel: Tensor2D;
  readonly bias: Tensor1D;
}

/**
 * y = x kernel + bias. One matrix product each way, so it is TensorFlow.js's own on every backend.
 *
 * @param x [batch, in]. @returns [batch, out].
 */
export function dense(x: Tensor2D, { kernel, bias }: DenseParameters): Tensor2D {
  return add(matMul(x, kernel), bias);
}
