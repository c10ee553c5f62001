import '@tensorflow/tfjs-backend-cpu';
import { expectClose, seededRandom } from '@distributed-shampoo/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { useBackend } from '../../src/node.ts';

// Kernels that this package gives the wasm backend, under TensorFlow.js's own operations, against its JavaScript backend.

beforeAll(async () => {
  tf.env().set('PROD', true);
  await tf.setBackend('cpu');
  await useBackend({ backend: 'wasm' });
});

const within = { name: 'float32 sums', absolute: 1e-4, relative: 1e-4 };

/** Gradients of the sum of squares of what `f` makes of some inputs, on both backends. */
async function compare(shapes: readonly (readonly number[])[], f: (...inputs: tf.Tensor4D[]) => tf.Tensor): Promise<void> {
  const random = seededRandom(3);
  const inputs = shapes.map((shape) => Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()));
  const results: Record<string, Float32Array[]> = {};
  for (const backend of ['cpu', 'wasm']) {
    await tf.setBackend(backend);
    const before = tf.memory().numTensors;
    results[backend] = tf.tidy(() => {
      const tensors = inputs.map((values, i) => tf.tensor(values, [...(shapes[i] as number[])]));
      const loss = (...xs: tf.Tensor[]) => tf.sum(tf.square(f(...(xs as tf.Tensor4D[])))) as tf.Scalar;
      return tf
        .grads(loss)(tensors)
        .map((gradient) => gradient.dataSync<'float32'>());
    });
    expect(tf.memory().numTensors, `${backend}: tensors left behind`).toBe(before);
  }
  for (const [i, expected] of (results['cpu'] as Float32Array[]).entries())
    expectClose((results['wasm'] as Float32Array[])[i] as Float32Array, expected, within, `gradient of input ${i}`);
}

describe('conv2d', () => {
  test.each([
    ['3 x 3', [2, 8, 8, 3], [3, 3, 3, 4], 1, 1],
    ['stride 2, odd sizes', [2, 9, 7, 3], [3, 3, 3, 4], 2, 1],
    ['7 x 7, stride 2', [1, 11, 10, 2], [7, 7, 2, 3], 2, 3],
    ['1 x 1, stride 2', [3, 8, 8, 4], [1, 1, 4, 5], 2, 0],
    ['a stride beyond the filter', [2, 8, 8, 4], [2, 2, 4, 5], 3, 0],
    ['padding beyond the filter', [2, 5, 5, 1], [1, 1, 1, 1], 1, 2],
    ['same', [2, 15, 15, 8], [3, 3, 8, 8], 2, 'same'],
    ['valid, a filter that is not square', [2, 15, 14, 3], [3, 2, 3, 8], 2, 'valid'],
    ['one image of one pixel', [1, 1, 1, 3], [1, 1, 3, 2], 1, 'valid'],
    [
      'strides that differ',
      [2, 9, 9, 2],
      [3, 3, 2, 2],
      [2, 3],
      [
        [0, 0],
        [1, 1],
        [1, 1],
        [0, 0],
      ],
    ],
  ] as const)('%s', (_name, x, filter, stride, padding) =>
    compare([x, filter], (images, weights) =>
      tf.conv2d(images as tf.Tensor4D, weights as tf.Tensor4D, stride as number, padding as 'same'),
    ),
  );
});

describe('maxPool', () => {
  test.each([
    ['overlapping windows', [2, 9, 9, 3], 3, 2, 'valid'],
    ['same', [2, 8, 7, 3], 3, 2, 'same'],
    ['side by side', [2, 6, 5, 3], 2, 2, 'valid'],
    ['padding by numbers', [1, 7, 7, 2], 3, 2, 1],
  ] as const)('%s', (_name, shape, size, stride, padding) =>
    compare([shape], (x) => tf.maxPool(x as tf.Tensor4D, size, stride, padding)),
  );
});

test('an error that nobody catches is not preceded by the source of the wasm module', () => {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    const sources = process.listeners(event as 'uncaughtException').map(String);
    expect(sources.filter((source) => /ExitStatus|throw (ex|reason)/.test(source))).toEqual([]);
  }
});
