import { expectClose, seededRandom } from '@distributed-shampoo/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  addRelu,
  batchNormFrozen,
  batchNormTraining,
  convolution,
  crossEntropy,
  dense,
  globalAveragePool,
  maxPool,
  relu,
  TensorError,
} from '../../src/index.ts';
import { on, startBackends } from '../backends.ts';
import { expectRightGradients, sums } from './check.ts';
import * as reference from './reference.ts';

beforeAll(startBackends);

// Each operation against its definition in float64 and the central differences of that, raw on TensorFlow and composed in JavaScript.

const EPSILON = 1e-3;
/** Scales, and variances, are positive. */
const positive = (v: number) => Math.abs(v) + 0.5;

describe('relu', () => {
  test('value and gradient', () =>
    expectRightGradients({ shapes: [[2, 3, 4, 5]], operation: relu, reference: ([x]) => x!.map((v) => Math.max(0, v)) }));

  test('has no gradient at zero, as in PyTorch', async () => {
    const [gradient] = await on('tensorflow', () => tf.grad((x) => relu(x))(tf.tensor1d([-1, 0, 2])));
    expect([...gradient!.values]).toEqual([0, 0, 1]);
  });
});

describe('addRelu', () => {
  test('value and gradients', () =>
    expectRightGradients({
      shapes: [
        [2, 3, 4, 5],
        [2, 3, 4, 5],
      ],
      operation: addRelu,
      reference: ([a, b]) => a!.map((v, i) => Math.max(0, v + b![i]!)),
    }));

  test('refuses shapes that differ', () => {
    expect(() => addRelu<tf.Tensor>(tf.ones([2, 3]), tf.ones([3]))).toThrow(/\[2,3\] and \[3\]/);
  });
});

describe('convolution', () => {
  const shape = [2, 6, 5, 3] as const;
  test.each([
    [1, 1, 0],
    [1, 2, 0],
    [3, 1, 0],
    [3, 1, 1],
    [3, 2, 0],
    [3, 2, 1],
    [3, 3, 1],
    [3, 1, 2],
    [2, 1, 1],
    [2, 2, 1],
    [5, 1, 2],
    [7, 2, 3],
    [1, 1, 1],
  ])('kernel %i, stride %i, padding %i', (kernel, stride, padding) =>
    expectRightGradients({
      shapes: [shape, [kernel, kernel, 3, 2]],
      operation: (x, filter) => convolution(x as tf.Tensor4D, filter as tf.Tensor4D, { stride, padding }),
      reference: reference.convolution(shape, 2, { kernel, stride, padding }),
    }),
  );

  test.each([
    [[7, 7], 3, 2, 1],
    [[8, 8], 3, 2, 1],
    [[8, 7], 7, 2, 3],
    [[4, 9], 1, 2, 0],
    [[1, 1], 3, 1, 1],
    [[9, 4], 3, 4, 0],
  ] as const)('image of %j, kernel %i, stride %i, padding %i', ([height, width], kernel, stride, padding) => {
    const image = [1, height, width, 2] as const;
    return expectRightGradients({
      shapes: [image, [kernel, kernel, 2, 3]],
      operation: (x, filter) => convolution(x as tf.Tensor4D, filter as tf.Tensor4D, { stride, padding }),
      reference: reference.convolution(image, 3, { kernel, stride, padding }),
      seed: height + width,
    });
  });

  test('refuses channels that differ, windows that do not fit, and strides that are none', () => {
    const x = tf.ones<tf.Rank.R4>([1, 4, 4, 3]);
    expect(() => convolution(x, tf.ones([3, 3, 2, 1]))).toThrow(/3 channels.*takes 2/);
    expect(() => convolution(x, tf.ones([7, 7, 3, 1]), { padding: 1 })).toThrow(/window of 7/);
    expect(() => convolution(x, tf.ones([3, 3, 3, 1]), { stride: 0 })).toThrow(TensorError);
    expect(() => convolution(x, tf.ones([3, 3, 3, 1]), { padding: 0.5 })).toThrow(TensorError);
  });
});

describe('maxPool', () => {
  test.each([
    [3, 2, 1, [7, 6]],
    [3, 2, 1, [8, 8]],
    [2, 2, 0, [6, 5]],
    [3, 1, 1, [4, 4]],
    [3, 2, 0, [8, 8]],
  ] as const)('size %i, stride %i, padding %i', (kernel, stride, padding, [height, width]) => {
    const shape = [2, height, width, 3] as const;
    return expectRightGradients({
      shapes: [shape],
      operation: (x) => maxPool(x as tf.Tensor4D, kernel, { stride, padding }),
      reference: reference.maxPool(shape, { kernel, stride, padding }),
    });
  });

  test('padding never wins over negative values', async () => {
    for (const backend of ['tensorflow', 'cpu'] as const) {
      const [y] = await on(backend, () => maxPool(tf.fill([1, 2, 2, 1], -5), 3, { stride: 2, padding: 1 }));
      expect([...y!.values]).toEqual([-5]);
    }
  });
});

describe('batchNormTraining', () => {
  const shape: reference.Shape4 = [3, 4, 3, 5];

  test('value and gradients', () =>
    expectRightGradients({
      shapes: [shape, [5], [5]],
      operation: (x, scale, offset) =>
        batchNormTraining(x as tf.Tensor4D, { scale: scale as tf.Tensor1D, offset: offset as tf.Tensor1D }, EPSILON).y,
      reference: reference.batchNormTraining(shape, EPSILON),
      input: (v, k) => (k === 1 ? positive(v) : v),
    }));

  test('statistics: the mean, and the variance over n - 1', async () => {
    const values = seededRandom(4).normals(shape.reduce((a, b) => a * b));
    const { mean, variance, count } = reference.statistics(shape, Float64Array.from(values));
    const unbiased = variance.map((v) => (v * count) / (count - 1));
    for (const backend of ['tensorflow', 'cpu'] as const) {
      const [actualMean, actualVariance] = await on(backend, () => {
        const got = batchNormTraining(tf.tensor4d(values, [...shape]), { scale: tf.ones([5]), offset: tf.zeros([5]) }, EPSILON);
        return [got.mean, got.variance];
      });
      expectClose(actualMean!.values, mean, sums, `${backend}: mean`);
      expectClose(actualVariance!.values, unbiased, sums, `${backend}: variance`);
    }
  });

  test('a batch norm of a batch norm with scale 1 changes nothing but by epsilon', async () => {
    const [distance] = await on('tensorflow', () => {
      const parameters = { scale: tf.ones<tf.Rank.R1>([5]), offset: tf.zeros<tf.Rank.R1>([5]) };
      const { y } = batchNormTraining(tf.tensor4d(seededRandom(5).normals(180), [...shape]), parameters, 1e-6);
      return tf.max(tf.abs(tf.sub(batchNormTraining(y, parameters, 1e-6).y, y)));
    });
    expect(distance!.values[0]).toBeLessThan(1e-5);
  });
});

describe('batchNormFrozen', () => {
  const shape = [2, 3, 3, 4] as const;
  const random = seededRandom(6);
  const mean = Float64Array.from(random.normals(4));
  const variance: Float64Array = Float64Array.from(random.normals(4), (v) => Math.fround(positive(v)));

  test('value and gradients', () =>
    expectRightGradients({
      shapes: [shape, [4], [4]],
      operation: (x, scale, offset) => {
        const statistics = { mean: tf.tensor1d(Float32Array.from(mean)), variance: tf.tensor1d(Float32Array.from(variance)) };
        return batchNormFrozen(
          x as tf.Tensor4D,
          { scale: scale as tf.Tensor1D, offset: offset as tf.Tensor1D, ...statistics },
          EPSILON,
        );
      },
      reference: reference.batchNormFrozen(shape, { mean, variance, epsilon: EPSILON }),
      input: (v, k) => (k === 1 ? positive(v) : v),
    }));
});

describe('globalAveragePool', () => {
  test('value and gradient', () =>
    expectRightGradients({
      shapes: [[2, 3, 4, 5]],
      operation: (x) => globalAveragePool(x as tf.Tensor4D),
      reference: ([x]) =>
        Float64Array.from({ length: 10 }, (_, i) => {
          let sum = 0;
          for (let p = 0; p < 12; p++) sum += x![(Math.floor(i / 5) * 12 + p) * 5 + (i % 5)]!;
          return sum / 12;
        }),
    }));
});

describe('dense', () => {
  test('value and gradients', () =>
    expectRightGradients({
      shapes: [[3, 7], [7, 4], [4]],
      operation: (x, kernel, bias) => dense(x as tf.Tensor2D, { kernel: kernel as tf.Tensor2D, bias: bias as tf.Tensor1D }),
      reference: reference.dense(7, 4),
    }));
});

describe('crossEntropy', () => {
  const labels = [2, 0, 4];
  const labelsTensor = () => tf.tensor1d(labels, 'int32');

  test.each([0, 0.1, 0.9])('value and gradient with label smoothing %d', (labelSmoothing) =>
    expectRightGradients({
      shapes: [[3, 5]],
      operation: (logits) => crossEntropy(logits as tf.Tensor2D, labelsTensor(), { labelSmoothing }),
      reference: reference.crossEntropy(labels, 5, labelSmoothing),
    }),
  );

  test('equal logits cost log(classes), whatever the labels', async () => {
    const [loss] = await on('tensorflow', () => crossEntropy(tf.fill([3, 5], 40), labelsTensor(), { labelSmoothing: 0.1 }));
    expect(loss!.values[0]).toBeCloseTo(Math.log(5), 6);
  });

  test('survives logits that would overflow', async () => {
    const [loss] = await on('tensorflow', () => crossEntropy(tf.tensor2d([[1e4, 0, -1e4]]), tf.tensor1d([1], 'int32')));
    expect(loss!.values[0]).toBe(1e4);
  });

  test('refuses labels of another batch, of another type, and a smoothing of 1', () => {
    const logits = tf.ones<tf.Rank.R2>([2, 5]);
    expect(() => crossEntropy(logits, labelsTensor())).toThrow(/\[2\]/);
    expect(() => crossEntropy(logits, tf.tensor1d([0, 1]))).toThrow(/int32/);
    expect(() => crossEntropy(logits, tf.tensor1d([0, 1], 'int32'), { labelSmoothing: 1 })).toThrow(TensorError);
  });
});
