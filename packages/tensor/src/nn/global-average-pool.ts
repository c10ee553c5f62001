import { mean, type Tensor2D, type Tensor4D } from '@tensorflow/tfjs-core';

/**
 * The mean of each channel over height and width. Its cost is nothing beside a convolution's, so it is TensorFlow.js's own on every backend.
 *
 * @param x [batch, height, width, channels]. @returns [batch, channels].
 */
export function globalAveragePool(x: Tensor4D): Tensor2D {
  return mean<Tensor2D>(x, [1, 2]);
}
