import type { Tensor, Tensor2D, Tensor4D, Variable } from '@tensorflow/tfjs-core';
import type { RunningStatistics } from '../merge-statistics.ts';

/** How a network is run. */
export interface ForwardMode {
  /** `train` normalises with the batch's statistics and updates the running ones; `frozen` and `evaluate` use the running ones. */
  readonly batchNorm: 'train' | 'frozen' | 'evaluate';
  /** What a layer uses in place of a variable: where a gradient is tapped when it is complete. */
  readonly parameter: (variable: Variable) => Tensor;
  /** Called between layers, forward and backward: where a rank notices that its group was aborted. */
  readonly betweenLayers: () => void;
}

/** An image classifier. */
export interface Model {
  readonly name: string;
  /** What is trained, in a fixed order and with stable names. */
  readonly variables: readonly Variable[];
  /** Running statistics of its batch norms. */
  readonly statistics: readonly RunningStatistics[];
  /** Logits `[batch, classes]` of images `[batch, size, size, 3]`. */
  forward(images: Tensor4D, mode: ForwardMode): Tensor2D;
  dispose(): void;
}

/** Everything that a checkpoint of a model holds, by name. */
export const namedVariables = ({ variables, statistics }: Model): readonly Variable[] => [
  ...variables,
  ...statistics.flatMap(({ mean, variance }) => [mean, variance]),
];
