import type { DistributedShampoo } from '@distributed-shampoo/optimizer';
import { crossEntropy } from '@distributed-shampoo/tensor';
import {
  argMax,
  dispose,
  equal,
  keep,
  type Scalar,
  sum,
  type Tensor,
  type Tensor2D,
  tensor1d,
  tensor4d,
  tidy,
  variableGrads,
} from '@tensorflow/tfjs-core';
import type { Batch } from './data/index.ts';
import { tapGradient } from './models/gradient-tap.ts';
import type { ForwardMode, Model } from './models/model.ts';

/** What a step needs besides its batch. */
export interface StepInputs {
  readonly model: Model;
  readonly optimizer: DistributedShampoo;
  readonly batchNorm: 'train' | 'frozen';
  readonly labelSmoothing: number;
  readonly betweenLayers: () => void;
}

/** Of one rank's images. */
export interface StepResult {
  readonly loss: number;
  readonly correct: number;
}

/**
 * Forward and backward pass over one rank's batch. Each gradient goes into the optimizer's flat buffer as soon as it is complete; the step
 * itself is the caller's.
 */
export function backpropagate(
  batch: Batch,
  { model, optimizer, batchNorm, labelSmoothing, betweenLayers }: StepInputs,
): StepResult {
  const tapped = new Set<string>();
  const mode: ForwardMode = {
    batchNorm,
    betweenLayers,
    parameter(variable) {
      tapped.add(variable.name);
      return tapGradient(variable, (gradient) => {
        betweenLayers();
        optimizer.writeGradient(variable.name, gradient);
      });
    },
  };
  let hits: Tensor | undefined;
  const { value, grads } = variableGrads(() => {
    const labels = tensor1d(batch.labels, 'int32');
    const logits = model.forward(imagesOf(batch), mode);
    hits = keep(countHits(logits, labels));
    return crossEntropy(logits, labels, { labelSmoothing }) as Scalar;
  }, [...model.variables]);
  // A model may also use its variables as they are; then gradients are all there together, at the end.
  for (const [name, gradient] of Object.entries(grads)) if (!tapped.has(name)) optimizer.writeGradient(name, gradient);
  const result = { loss: value.dataSync()[0] as number, correct: hits?.dataSync()[0] as number };
  dispose([value, grads, hits]);
  return result;
}

/** `[count, size, size, 3]` from a batch's values. */
export function imagesOf({ images, count }: Batch): ReturnType<typeof tensor4d> {
  const size = Math.round(Math.sqrt(images.length / (3 * count)));
  return tensor4d(images, [count, size, size, 3]);
}

/** How many rows have their largest logit at their label. */
export const countHits = (logits: Tensor2D, labels: Tensor): Tensor => tidy(() => sum(equal(argMax(logits, 1), labels)));
