import { setImmediate as eventLoop } from 'node:timers/promises';
import type { ProcessGroup } from '@distributed-shampoo/collectives';
import { crossEntropy } from '@distributed-shampoo/tensor';
import { tensor1d, tidy } from '@tensorflow/tfjs-core';
import type { EvaluationLoader } from './data/index.ts';
import type { ForwardMode, Model } from './models/model.ts';
import { countHits, imagesOf } from './train-step.ts';

/** How well a model does on a data set. */
export interface Evaluation {
  /** Share of images whose class came first, 0 to 1. */
  readonly top1: number;
  /** Mean cross entropy, without smoothing. */
  readonly loss: number;
  readonly images: number;
}

export interface EvaluateInputs {
  readonly model: Model;
  readonly loader: EvaluationLoader;
  /** Ranks that share the images; null for this process alone. */
  readonly group: ProcessGroup | null;
  readonly onProgress: (imagesOfThisRank: number) => void;
}

/** Runs every image once with the running statistics of batch norm; all ranks get the sums over all of them. Collective. */
export async function evaluate({ model, loader, group, onProgress }: EvaluateInputs): Promise<Evaluation> {
  const mode: ForwardMode = {
    batchNorm: 'evaluate',
    parameter: (variable) => variable,
    betweenLayers: () => group?.throwIfAborted(),
  };
  // hits, summed loss, images
  const sums = new Float64Array(3);
  for (let batch = await loader.next(); batch !== undefined; batch = await loader.next()) {
    const { labels, count } = batch;
    const [hits, loss] = tidy(() => {
      const expected = tensor1d(labels, 'int32');
      const logits = model.forward(imagesOf(batch), mode);
      return [countHits(logits, expected).dataSync()[0] as number, crossEntropy(logits, expected).dataSync()[0] as number];
    });
    sums[0] = (sums[0] as number) + hits;
    sums[1] = (sums[1] as number) + loss * count;
    sums[2] = (sums[2] as number) + count;
    loader.release(batch);
    onProgress(sums[2] as number);
    await eventLoop();
  }
  group?.allReduceSync(sums);
  const [hits, loss, images] = sums as unknown as [number, number, number];
  return { top1: hits / images, loss: loss / images, images };
}
