import { crossEntropy } from '@distributed-shampoo/tensor';
import { useBackend } from '@distributed-shampoo/tensor/node';
import { seededRandom } from '@distributed-shampoo/testing';
import {
  add,
  dispose,
  memory,
  mul,
  type Scalar,
  sum,
  type Tensor,
  tensor,
  tensor1d,
  tensor4d,
  tidy,
  type Variable,
  variableGrads,
} from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { basicBlock, bottleneckBlock } from './blocks.ts';
import { tapGradient } from './gradient-tap.ts';
import type { ForwardMode, Model } from './model.ts';
import { resnet } from './resnet.ts';
import { models } from './table.ts';

beforeAll(async () => {
  await useBackend({ backend: 'tensorflow', threads: 1 });
});

let model: Model | undefined;
afterEach(() => {
  model?.dispose();
  model = undefined;
});

const CLASSES = 3;
const plain = (batchNorm: ForwardMode['batchNorm']): ForwardMode => ({
  batchNorm,
  parameter: (variable) => variable,
  betweenLayers: () => undefined,
});

/** A small network of a kind, its scales moved off 0 and 1 so that every path carries a gradient. */
function small(block: typeof basicBlock, stem: 'small' | 'large'): Model {
  model = resnet({ name: 'small', stem, block, stages: [[4, 1], [6, 1]] }, { classes: CLASSES, seed: 3 }); // biome-ignore format: a table
  const random = seededRandom(5);
  for (const variable of model.variables) {
    if (variable.name.endsWith('.scale'))
      tidy(() => variable.assign(tensor(random.normals(variable.size).map((x) => 0.7 + 0.2 * x))));
  }
  return model;
}

function batch(count: number, size: number) {
  const random = seededRandom(8);
  return {
    images: tensor4d(random.normals(count * size * size * 3), [count, size, size, 3]),
    labels: tensor1d(
      Int32Array.from({ length: count }, (_, i) => i % CLASSES),
      'int32',
    ),
  };
}

test.each([
  ['basic', 'small', 'train', basicBlock],
  ['basic', 'small', 'frozen', basicBlock],
  ['bottleneck', 'large', 'train', bottleneckBlock],
  ['bottleneck', 'large', 'frozen', bottleneckBlock],
] as const)(
  '%s blocks, %s stem, %s batch norm: each gradient agrees with finite differences',
  (_name, stem, batchNorm, block) => {
    const network = small(block, stem);
    const { images, labels } = batch(6, stem === 'large' ? 24 : 10);
    const loss = () =>
      tidy(
        () => crossEntropy(network.forward(images, plain(batchNorm)), labels, { labelSmoothing: 0.1 }).dataSync()[0] as number,
      );
    const { value, grads } = variableGrads(
      () => crossEntropy(network.forward(images, plain(batchNorm)), labels, { labelSmoothing: 0.1 }) as Scalar,
      [...network.variables],
    );
    for (const [index, variable] of network.variables.entries()) {
      // Along a direction of length 1: the derivative is one number, well above float32's rounding of the loss.
      const direction = seededRandom(100 + index).normals(variable.size);
      const length = Math.hypot(...direction);
      const unit = tensor(
        direction.map((x) => x / length),
        variable.shape,
      );
      const gradient = tidy(() => sum(mul(grads[variable.name] as Tensor, unit)).dataSync()[0] as number);
      const difference = centralDifference(variable, unit, loss);
      // Rounding of two losses of about 1.2 over 2 h, and kinks of ReLU and max-pool that lie within h.
      expect(Math.abs(gradient - difference), `${variable.name}: gradient ${gradient}, differences ${difference}`).toBeLessThan(
        2e-3 + 0.02 * Math.abs(difference),
      );
      unit.dispose();
    }
    expect(network.variables.some(({ name }) => Math.max(...(grads[name] as Tensor).dataSync<'float32'>()) > 0.01)).toBe(true);
    dispose([images, labels, value, grads]);
  },
);

/** (f(w + h d) - f(w - h d)) / 2h */
function centralDifference(variable: Variable, direction: Tensor, loss: () => number): number {
  const h = 4e-3;
  const start = variable.clone();
  const at = (factor: number) => {
    tidy(() => variable.assign(add(start, mul(direction, factor))));
    return loss();
  };
  const difference = (at(h) - at(-h)) / (2 * h);
  variable.assign(start);
  start.dispose();
  return difference;
}

test('ResNet-50 has the 161 variables and 25,557,032 parameters of v1.5', () => {
  model = models.resnet50.create({ classes: 1000, seed: 0 });
  expect(model.variables).toHaveLength(161);
  expect(model.variables.reduce((count, { size }) => count + size, 0)).toBe(25_557_032);
  expect(model.statistics).toHaveLength(53);
  expect(new Set(model.variables.map(({ name }) => name)).size).toBe(161);
});

test.each([
  ['resnet18', 11_689_512],
  ['resnet34', 21_797_672],
  ['resnet101', 44_549_160],
] as const)('%s has the %d parameters of torchvision', (name, parameters) => {
  model = models[name].create({ classes: 1000, seed: 0 });
  expect(model.variables.reduce((count, { size }) => count + size, 0)).toBe(parameters);
});

test.each([
  ['resnet20', 20, 269_722],
  ['resnet56', 56, 853_018],
  ['resnet110', 110, 1_727_962],
] as const)('%s has %i weighted layers and two shortcuts, which the published %i parameters lack', (name, layers, published) => {
  model = models[name].create({ classes: 10, seed: 0 });
  expect(model.variables.filter(({ shape }) => shape.length === 4)).toHaveLength(layers - 1 + 2);
  const shortcuts = 64 * 32 + 32 * 16 + 2 * (64 + 32);
  expect(model.variables.reduce((count, { size }) => count + size, 0)).toBe(published + shortcuts);
});

test('a seed gives the same values, another one others', () => {
  const values = (seed: number) => {
    const made = models.resnet20.create({ classes: 10, seed });
    const all = made.variables.map((one) => Array.from(one.dataSync()));
    made.dispose();
    return all;
  };
  expect(values(1)).toEqual(values(1));
  expect(values(1)).not.toEqual(values(2));
});

test('training follows the batch statistics, frozen and evaluation leave them', () => {
  const network = small(basicBlock, 'small');
  const { images, labels } = batch(6, 10);
  const read = () => network.statistics.map(({ mean, variance }) => [...mean.dataSync(), ...variance.dataSync()]);
  const before = read();
  for (const mode of ['frozen', 'evaluate'] as const) tidy(() => void network.forward(images, plain(mode)));
  expect(read()).toEqual(before);
  tidy(() => void network.forward(images, plain('train')));
  expect(read()).not.toEqual(before);
  // After many passes over one batch, its statistics are the running ones: evaluation gives what training gives.
  for (let i = 0; i < 200; i++) tidy(() => void network.forward(images, plain('train')));
  const logits = (mode: ForwardMode['batchNorm']) => tidy(() => Array.from(network.forward(images, plain(mode)).dataSync()));
  const [trained, evaluated] = [logits('train'), logits('evaluate')];
  for (const [i, value] of trained.entries()) expect(Math.abs((evaluated[i] as number) - value)).toBeLessThan(0.15);
  dispose([images, labels]);
});

test('taps see each complete gradient once, and layers look up between, forward and backward', () => {
  const network = small(bottleneckBlock, 'large');
  const { images, labels } = batch(4, 24);
  const seen = new Map<string, Float32Array>();
  let looks = 0;
  const mode: ForwardMode = {
    batchNorm: 'train',
    betweenLayers: () => {
      looks += 1;
    },
    parameter: (variable) =>
      tapGradient(variable, (gradient) => {
        expect(seen.has(variable.name)).toBe(false);
        seen.set(variable.name, gradient.dataSync<'float32'>().slice());
      }),
  };
  const tensors = memory().numTensors;
  const { value, grads } = variableGrads(
    () => crossEntropy(network.forward(images, mode), labels) as Scalar,
    [...network.variables],
  );
  for (const { name } of network.variables) expect(seen.get(name), name).toEqual((grads[name] as Tensor).dataSync());
  expect(looks).toBeGreaterThanOrEqual(network.statistics.length);
  dispose([value, grads]);
  expect(memory().numTensors).toBe(tensors);
  dispose([images, labels]);
});

test('an abort between layers comes out as it is', () => {
  const network = small(basicBlock, 'small');
  const { images } = batch(2, 10);
  const abort = new Error('aborted');
  const mode = { ...plain('train'), betweenLayers: () => { throw abort; } }; // biome-ignore format: one line
  expect(() => tidy(() => network.forward(images, mode))).toThrow(abort);
  images.dispose();
});
