import { clone, customGrad, type Tensor, type Variable } from '@tensorflow/tfjs-core';

/**
 * The variable itself, as a layer should use it: when its gradient is complete, `onGradient` is called with it, in the middle of
 * backpropagation, so that the gradient can travel while earlier layers are still at work.
 *
 * Assumes that a forward pass uses the tap once; used twice, each call has a part of the gradient only.
 */
export function tapGradient(variable: Variable, onGradient: (gradient: Tensor) => void): Tensor {
  const identity = customGrad((x) => ({
    value: clone(x as Tensor),
    gradFunc: (gradient: Tensor) => {
      onGradient(gradient);
      return gradient;
    },
  }));
  return identity(variable);
}
