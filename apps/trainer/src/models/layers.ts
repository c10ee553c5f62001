import { batchNormFrozen, batchNormTraining, convolution } from '@distributed-shampoo/tensor';
import { add, mul, type Tensor, type Tensor1D, type Tensor4D, tidy, type Variable } from '@tensorflow/tfjs-core';
import type { RunningStatistics } from '../merge-statistics.ts';
import type { ForwardMode } from './model.ts';
import type { Parameters } from './parameters.ts';

/** One layer: images in, images out. */
export type Layer = (x: Tensor4D, mode: ForwardMode) => Tensor4D;

/** Added to a variance before its root. */
const EPSILON = 1e-5;
/** Weight of a new batch in the running statistics. */
const MOMENTUM = 0.1;

export interface ConvolutionShape {
  readonly inputs: number;
  readonly outputs: number;
  /** Side of the square filter, odd: padded so that a stride of 1 keeps the image's size. */
  readonly kernel: number;
  readonly stride: number;
}

/** A convolution without offset and the batch norm that follows it. @param scale first value of the batch norm's scale. */
export function convolutionAndNorm(
  parameters: Parameters,
  name: string,
  { inputs, outputs, kernel, stride }: ConvolutionShape,
  scale = 1,
): Layer {
  const filter = parameters.filter(`${name}.filter`, [kernel, kernel, inputs, outputs]);
  const normalise = batchNorm(parameters, `${name}.norm`, outputs, scale);
  const options = { stride, padding: (kernel - 1) / 2 };
  return (x, mode) => {
    mode.betweenLayers();
    return normalise(convolution(x, mode.parameter(filter) as Tensor4D, options), mode);
  };
}

function batchNorm(parameters: Parameters, name: string, channels: number, first: number): Layer {
  const scale = parameters.constant(`${name}.scale`, channels, first);
  const offset = parameters.constant(`${name}.offset`, channels, 0);
  const running = parameters.runningStatistics(name, channels);
  return (x, mode) => {
    const learnt = { scale: mode.parameter(scale) as Tensor1D, offset: mode.parameter(offset) as Tensor1D };
    if (mode.batchNorm !== 'train') {
      const { mean, variance } = running as { mean: Variable; variance: Variable };
      return batchNormFrozen(
        x,
        { ...learnt, mean: mean as unknown as Tensor1D, variance: variance as unknown as Tensor1D },
        EPSILON,
      );
    }
    const { y, mean, variance } = batchNormTraining(x, learnt, EPSILON);
    follow(running, { mean, variance });
    return y;
  };
}

/** `running <- (1 - momentum) running + momentum batch`. */
function follow(running: RunningStatistics, batch: { readonly mean: Tensor; readonly variance: Tensor }): void {
  tidy(() => {
    for (const key of ['mean', 'variance'] as const)
      running[key].assign(add(mul(running[key], 1 - MOMENTUM), mul(batch[key], MOMENTUM)));
  });
}
