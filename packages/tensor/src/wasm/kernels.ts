import {
  getKernel,
  type KernelConfig,
  type KernelFunc,
  registerKernel,
  type Tensor4D,
  unregisterKernel,
} from '@tensorflow/tfjs-core';
import { type ConvolutionAttributes, filterGradient, inputGradient, type Shape4 } from './convolution-gradients.ts';
import { type MaxPoolAttributes, maxPoolGradient } from './max-pool-gradient.ts';

/** Inputs and attributes of a kernel, as its name promises them. */
const read = <Inputs, Attributes>({ inputs, attrs }: Parameters<KernelFunc>[0]) =>
  [inputs as unknown as Inputs, attrs as unknown as Attributes] as const;

/** Kernels by name; each may fall back on the backend's own. */
const kernels: Readonly<Record<string, (call: Parameters<KernelFunc>[0]) => Tensor4D | undefined>> = {
  Conv2DBackpropFilter(call) {
    const [{ x, dy }, attributes] = read<{ x: Tensor4D; dy: Tensor4D }, ConvolutionAttributes & { filterShape: Shape4 }>(call);
    return filterGradient(x, dy, attributes.filterShape, attributes);
  },
  Conv2DBackpropInput(call) {
    const [{ dy, filter }, attributes] = read<{ dy: Tensor4D; filter: Tensor4D }, ConvolutionAttributes & { inputShape: Shape4 }>(
      call,
    );
    return inputGradient(dy, filter, attributes.inputShape, attributes);
  },
  MaxPoolGrad(call) {
    const [{ dy, input, output }, attributes] = read<{ dy: Tensor4D; input: Tensor4D; output: Tensor4D }, MaxPoolAttributes>(
      call,
    );
    return maxPoolGradient(dy, input, output, attributes);
  },
};

/** Gives the wasm backend the gradients that it lacks or does slowly or wrongly, for every operation of TensorFlow.js. Once, before it starts. */
export function registerMissingKernels(): void {
  for (const [kernelName, kernel] of Object.entries(kernels)) {
    const own: KernelConfig | undefined = getKernel(kernelName, 'wasm');
    if (own !== undefined) unregisterKernel(kernelName, 'wasm');
    registerKernel({
      // The backend prepares its kernels when it starts, and ours may still call its own.
      ...own,
      kernelName,
      backendName: 'wasm',
      kernelFunc: (call) => kernel(call) ?? own?.kernelFunc(call) ?? [],
    });
  }
}
