import { DistributedShampoo, type ShampooInput } from '@distributed-shampoo/optimizer';
import { useBackend, useBlas } from '@distributed-shampoo/tensor/node';
import { seededRandom } from '@distributed-shampoo/testing';
import { memory } from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { basicBlock } from './models/blocks.ts';
import { resnet } from './models/resnet.ts';
import { type OptimizerName, optimizerInput, optimizerPresets } from './presets/optimizers.ts';
import { backpropagate } from './train-step.ts';

beforeAll(async () => {
  await useBackend({ backend: 'tensorflow', threads: 1 });
  await useBlas();
});

const COUNT = 12;
const SIZE = 10;
const batch = {
  step: 0,
  images: Float32Array.from(seededRandom(2).normals(COUNT * SIZE * SIZE * 3)),
  labels: Int32Array.from({ length: COUNT }, (_, i) => i % 4),
  count: COUNT,
};

/** Trains a small network on one batch. @returns what each step found, and tensors alive after the first and the last. */
function trainOn(options: ShampooInput, steps: number) {
  const model = resnet({ name: 'small', stem: 'small', block: basicBlock, stages: [[8, 1], [16, 1]] }, { classes: 4, seed: 1 }); // biome-ignore format: a table
  const optimizer = new DistributedShampoo(options, { lanes: 1 });
  optimizer.build(model.variables);
  const inputs = { model, optimizer, batchNorm: 'train', labelSmoothing: 0, betweenLayers: () => undefined } as const;
  const results = Array.from({ length: steps }, () => {
    const result = backpropagate(batch, inputs);
    optimizer.step();
    return { ...result, tensors: memory().numTensors };
  });
  optimizer.dispose();
  model.dispose();
  return results;
}

const rates: Readonly<Record<OptimizerName, number>> = {
  shampoo: 0.02,
  soap: 0.02,
  'kl-shampoo': 0.02,
  muon: 0.05,
  adamw: 0.02,
  sgd: 0.05,
};

test.each(Object.keys(optimizerPresets) as OptimizerName[])(
  '%s learns one batch by heart, noise as it is, and leaks nothing',
  (optimizer) => {
    const results = trainOn(
      optimizerInput({ optimizer, learningRate: rates[optimizer], weightDecay: null, optimizerOptions: {}, rootsEvery: 10 }, 60),
      60,
    );
    expect(results[0]?.loss).toBeGreaterThan(1);
    expect(results.at(-1)?.loss).toBeLessThan(0.1);
    expect(results.at(-1)?.correct).toBe(COUNT);
    expect(results.at(-1)?.tensors).toBe(results[0]?.tensors);
  },
);
