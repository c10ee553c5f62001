import { seededRandom } from '@distributed-shampoo/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
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
} from '../../src/index.ts';
import { currentBinding, on, startBackends } from '../backends.ts';

beforeAll(startBackends);

/** A small residual network of every operation, and its loss on a batch. */
function smallNetwork() {
  const random = seededRandom(8);
  const weights = (shape: number[]) =>
    tf.tensor(
      random.normals(shape.reduce((a, b) => a * b)).map((v) => v * 0.3),
      shape,
    );
  const variables = [weights([3, 3, 3, 4]), tf.ones([4]), tf.zeros([4]), weights([3, 3, 4, 4]), weights([4, 5]), weights([5])];
  const images = tf.tensor4d(random.normals(4 * 9 * 9 * 3), [4, 9, 9, 3]);
  const labels = tf.tensor1d([0, 1, 2, 4], 'int32');
  const loss = (...[first, scale, offset, second, kernel, bias]: tf.Tensor[]) => {
    const parameters = { scale: scale as tf.Tensor1D, offset: offset as tf.Tensor1D };
    const stem = tf.tidy(() => {
      const { y } = batchNormTraining(convolution(images, first as tf.Tensor4D, { stride: 2, padding: 1 }), parameters, 1e-5);
      return maxPool(relu(y), 3, { stride: 2, padding: 1 });
    });
    const statistics = { mean: tf.zeros<tf.Rank.R1>([4]), variance: tf.ones<tf.Rank.R1>([4]) };
    const block = tf.tidy(() => {
      const inner = convolution(stem, second as tf.Tensor4D, { padding: 1 });
      return addRelu(batchNormFrozen(inner, { ...parameters, ...statistics }, 1e-5), stem);
    });
    return crossEntropy(dense(globalAveragePool(block), { kernel: kernel as tf.Tensor2D, bias: bias as tf.Tensor1D }), labels);
  };
  return { variables, loss };
}

test('a network out of all operations has the same gradients raw and composed, a tidy per block included', async () => {
  const run = () => {
    const { variables, loss } = smallNetwork();
    return tf.grads(loss)(variables);
  };
  const [raw, composed] = [await on('tensorflow', run), await on('cpu', run)];
  raw.forEach(({ values }, i) => {
    const expected = composed[i]!.values;
    // Through a batch norm and a pool errors of single operations multiply: about 1e-5 of the largest gradient.
    const scale = Math.max(...Array.from(expected, Math.abs));
    expect(Math.max(...Array.from(values, (v, k) => Math.abs(v - expected[k]!)))).toBeLessThan(1e-4 * scale + 1e-7);
  });
});

test('training leaves no tensor behind, in TensorFlow.js or TensorFlow', () => {
  const { variables, loss } = smallNetwork();
  const step = () =>
    tf.tidy(() => {
      tf.grads(loss)(variables);
    });
  step();
  const before = [tf.memory().numTensors, currentBinding().getNumOfTensors()];
  for (let i = 0; i < 3; i++) step();
  expect([tf.memory().numTensors, currentBinding().getNumOfTensors()]).toEqual(before);
});

test('evaluation without gradients leaves none either', () => {
  const { variables, loss } = smallNetwork();
  const evaluate = () => tf.tidy(() => loss(...variables).dataSync()[0]);
  const first = evaluate();
  const before = currentBinding().getNumOfTensors();
  expect([evaluate(), currentBinding().getNumOfTensors()]).toEqual([first, before]);
});

test('gradients nobody asks for are not computed', () => {
  const names: string[] = [];
  const binding = currentBinding() as { executeOp: (name: string, ...rest: unknown[]) => unknown };
  const { executeOp } = binding;
  binding.executeOp = (name, ...rest) => {
    names.push(name);
    return executeOp(name, ...rest);
  };
  try {
    tf.tidy(() => {
      const images = tf.ones<tf.Rank.R4>([1, 4, 4, 1]);
      tf.grad((filter) => convolution(images, filter as tf.Tensor4D))(tf.ones([1, 1, 1, 1]));
    });
  } finally {
    binding.executeOp = executeOp;
  }
  expect(names).toContain('Conv2DBackpropFilter');
  expect(names).not.toContain('Conv2DBackpropInput');
});
