import type { Tensor, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { TrainerError } from '../errors.ts';
import type { RunningStatistics } from '../merge-statistics.ts';
import type { Model } from './model.ts';

/** What is used of a `tf.LayersModel`; by shape, so that `@tensorflow/tfjs-layers` need not be installed. */
export interface LayersModel {
  readonly name: string;
  readonly trainableWeights: readonly LayerVariable[];
  readonly nonTrainableWeights: readonly LayerVariable[];
  apply(inputs: Tensor, options: { readonly training: boolean }): unknown;
  dispose(): unknown;
}

interface LayerVariable {
  readonly originalName: string;
  /** `private` in TensorFlow.js's types, and the only way to the variable. */
  readonly val: Variable;
}

export const isLayersModel = (value: unknown): value is LayersModel =>
  typeof value === 'object' && value !== null && 'trainableWeights' in value && 'apply' in value;

/**
 * A Keras-style model as a model of the trainer. Its batch norms' moving averages become running statistics, so that they are merged over
 * ranks and saved. In `frozen` mode it runs as for inference, dropout included.
 *
 * @throws {TrainerError} `misuse` for a model that has not been built, or one without anything to train.
 */
export function fromLayersModel(model: LayersModel): Model {
  const variables = model.trainableWeights.map(({ val }) => val);
  if (variables.length === 0)
    throw new TrainerError(
      'misuse',
      `--model: the layers model "${model.name}" has nothing to train; does its first layer have an inputShape?`,
    );
  return {
    name: model.name,
    variables,
    statistics: movingAverages(model),
    forward: (images, mode) => model.apply(images, { training: mode.batchNorm === 'train' }) as Tensor2D,
    dispose: () => void model.dispose(),
  };
}

function movingAverages({ nonTrainableWeights }: LayersModel): readonly RunningStatistics[] {
  const byName = new Map(nonTrainableWeights.map((weight) => [weight.originalName, weight.val]));
  return [...byName].flatMap(([name, mean]) => {
    const variance = byName.get(name.replace(/moving_mean$/, 'moving_variance'));
    return name.endsWith('moving_mean') && variance !== undefined ? [{ mean, variance }] : [];
  });
}
