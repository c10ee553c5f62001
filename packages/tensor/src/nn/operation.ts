import {
  engine,
  type GradConfig,
  type NamedAttrMap,
  type NamedTensorMap,
  registerGradient,
  registerKernel,
  type Tensor,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { nodeBackend } from '../tensorflow/backend.ts';
import { releaseAfterUse } from './spent.ts';

/** A differentiable operation out of raw TensorFlow operations. */
export interface RawOperation<Inputs extends string, Attributes extends object> {
  readonly name: string;
  /** Runs the operation. */
  forward(inputs: Readonly<Record<Inputs, Tensor>>, attributes: Attributes): Tensor[];
  /** What the gradient needs of the inputs, by name, and of the outputs, by position; it gets them in this order. */
  readonly savedInputs: readonly Inputs[];
  readonly savedOutputs: readonly boolean[];
  /** One function an input, so that a gradient nobody asked for isn't computed. `dy` belongs to the first output. */
  gradient(dy: Tensor, saved: readonly Tensor[], attributes: Attributes): Record<Inputs, () => Tensor>;
}

/**
 * Makes an operation known to TensorFlow.js as a kernel of the backend `tensorflow` with its gradient, at its first run. As a kernel,
 * unlike as a `customGrad`, it may have several outputs, and gradients are computed on demand.
 *
 * First-order gradients only: the raw operations of a gradient are not on TensorFlow.js's tape. A backward pass frees activations as it
 * goes: see `releaseAfterUse`.
 *
 * @returns a function that runs it; only where `runsRaw()`.
 */
export function rawOperation<Inputs extends string, Attributes extends object>(
  operation: RawOperation<Inputs, Attributes>,
): (inputs: Readonly<Record<Inputs, Tensor>>, attributes: Attributes) => Tensor[] {
  const { name, savedInputs, savedOutputs } = operation;
  let known = false;
  const register = () => {
    known = true;
    registerKernel({
      kernelName: name,
      backendName: 'tensorflow',
      kernelFunc: ({ inputs, attrs }) =>
        operation.forward(inputs as unknown as Record<Inputs, Tensor>, attrs as unknown as Attributes) as unknown as TensorInfo[],
    });
    registerGradient({
      kernelName: name,
      inputsToSave: [...savedInputs],
      outputsToSave: [...savedOutputs],
      gradFunc: (dy, saved, attrs) => {
        const gradients = [dy].flat();
        releaseAfterUse({ gradients, saved });
        const first = gradients[0] as Tensor;
        return operation.gradient(first, saved, attrs as unknown as Attributes) as ReturnType<GradConfig['gradFunc']>;
      },
    });
  };
  return (inputs, attributes) => {
    if (!known) register();
    return engine().runKernel(
      name,
      inputs as unknown as NamedTensorMap,
      attributes as unknown as NamedAttrMap,
    ) as unknown as Tensor[];
  };
}

/** Whether operations run as raw TensorFlow here; elsewhere they are composed of TensorFlow.js's. */
export function runsRaw(): boolean {
  return nodeBackend() !== undefined;
}
