import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { addRelu, batchNormTraining, relu } from '../../src/index.ts';
import { currentBinding, startBackends } from '../backends.ts';

beforeAll(startBackends);

const values = (x: tf.Tensor) => [...x.dataSync()];
const x = () => tf.tensor1d([-1, 2, 3]);

describe('a backward pass frees what it used, and nothing else', () => {
  test('so that activations of a deep network go one by one', () => {
    const binding = currentBinding() as { executeOp: (name: string, ...rest: unknown[]) => unknown; getNumOfTensors(): number };
    const { executeOp } = binding;
    const alive: number[] = [];
    binding.executeOp = (name, ...rest) => {
      if (name === 'ReluGrad') alive.push(binding.getNumOfTensors());
      return executeOp(name, ...rest);
    };
    try {
      tf.tidy(() => {
        tf.grad((input) => {
          let y = input;
          for (let i = 0; i < 30; i++) y = tf.tidy(() => relu(y));
          return y;
        })(x());
      });
    } finally {
      binding.executeOp = executeOp;
    }
    expect(alive.length).toBe(30);
    // Without it, each of the 30 would add a gradient and keep its activation.
    expect(alive[29]! - alive[0]!).toBeLessThan(-20);
  });

  test('not a gradient that the caller handed in', () => {
    const dy = tf.tensor1d([5, 6, 7]);
    expect(values(tf.grad((input) => relu(relu(input)))(x(), dy))).toEqual([0, 6, 7]);
    expect(values(dy)).toEqual([5, 6, 7]);
  });

  test('not the inputs', () => {
    const input = x();
    tf.grad((t) => relu(relu(t)))(input);
    expect(values(input)).toEqual([-1, 2, 3]);
  });

  test('not what a tap passes on as it is', () => {
    const seen: number[][] = [];
    const tap = tf.customGrad((t) => ({
      value: (t as tf.Tensor).clone(),
      gradFunc: (dy: tf.Tensor) => {
        seen.push(values(dy));
        return dy;
      },
    }));
    expect(values(tf.grad((t) => relu(tap(relu(tap(t)))))(x(), tf.tensor1d([5, 6, 7])))).toEqual([0, 6, 7]);
    expect(seen).toEqual([
      [0, 6, 7],
      [0, 6, 7],
    ]);
  });

  test('not a value that several operations use', () => {
    const f = (t: tf.Tensor) => {
      const y = relu(t);
      return tf.add(addRelu(relu(y), y), relu(tf.mul(y, y)));
    };
    expect(values(tf.grad(f)(x()))).toEqual([0, 2 + 4, 2 + 6]);
  });

  test('not what a pass around this one still needs', () => {
    // The outer pass goes once more over what the inner one went over.
    const f = (t: tf.Tensor) => tf.valueAndGrad((u) => tf.sum(relu(relu(u))))(relu(t)).value;
    expect(values(tf.grad(f)(x()))).toEqual([0, 1, 1]);
  });

  test('after a pass that failed half-way the next one is right', () => {
    const fails = tf.customGrad((t) => ({
      value: (t as tf.Tensor).clone(),
      gradFunc: () => {
        throw new Error('half-way');
      },
    }));
    expect(() => tf.grad((t) => relu(relu(fails(relu(t)))))(x())).toThrow('half-way');
    expect(values(tf.grad((t) => relu(t))(x()))).toEqual([0, 1, 1]);
  });

  test('gradients of several inputs of one operation', () => {
    const parameters = { scale: tf.tensor1d([2]), offset: tf.tensor1d([1]) };
    const images = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);
    const f = (input: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor) =>
      relu(batchNormTraining(input as tf.Tensor4D, { scale: scale as tf.Tensor1D, offset: offset as tf.Tensor1D }, 1e-5).y);
    const [, scale, offset] = tf.grads(f)([images, parameters.scale, parameters.offset]);
    // y = 2 z + 1 with z = (-3, -1, 1, 3) / sqrt(5): the last two are above zero, and the second, 1 - 2 / sqrt(5), is so too.
    expect(offset!.dataSync()[0]).toBe(3);
    expect(scale!.dataSync()[0]).toBeCloseTo(3 / Math.sqrt(5), 4);
  });
});
