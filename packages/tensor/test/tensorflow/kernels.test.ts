import { expectClose, seededRandom, type Tolerance, tolerance } from '@distributed-shampoo/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { handlesLeftBy, on, startBackends } from '../backends.ts';

// Every operation of TensorFlow.js that training uses, forward and where it has one with its gradient: TensorFlow's kernel through the
// binding against TensorFlow.js's own in JavaScript.

beforeAll(startBackends);

/** A tensor that depends on its shape and the seed alone. */
const normal = (shape: number[], seed = 1) =>
  tf.tensor(seededRandom(seed).normals(shape.reduce((a, b) => a * b, 1)), shape, 'float32');
const positive = (shape: number[], seed = 2) => tf.add(tf.abs(normal(shape, seed)), 0.5);
const integers = (shape: number[], seed = 3) => {
  const random = seededRandom(seed);
  return tf.tensor(
    Int32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.integer(-9, 9)),
    shape,
    'int32',
  );
};
const image = (channels = 5) => normal([2, 7, 6, channels]) as tf.Tensor4D;
const filter = (k = 3, channels = 5, out = 4) => normal([k, k, channels, out], 7) as tf.Tensor4D;

/** The value of f and the gradients of sum(w f) with some fixed w. */
const withGradients = (f: (...xs: tf.Tensor[]) => tf.Tensor, xs: tf.Tensor[]) => {
  const y = f(...xs);
  return [y, ...tf.grads((...inputs) => tf.sum(tf.mul(f(...inputs), normal(y.shape, 11))))(xs)];
};

/** Sums of many products, in an order that each kernel chooses: bound for up to 64 terms of size 1. */
const sums: Tolerance = { name: 'float32 sums', absolute: 1e-5, relative: 1e-4 };

const cases: Record<string, () => tf.Tensor | tf.Tensor[]> = {
  add: () => withGradients(tf.add, [normal([3, 4]), normal([3, 4], 5)]),
  'add of a row': () => withGradients(tf.add, [normal([3, 4]), normal([4], 5)]),
  'add of int32': () => tf.add(integers([5]), integers([5], 8)),
  addN: () => tf.addN([normal([4]), normal([4], 2), normal([4], 3)]),
  sub: () => withGradients(tf.sub, [normal([3, 4]), normal([3, 1], 5)]),
  mul: () => withGradients(tf.mul, [normal([3, 4]), normal([3, 4], 5)]),
  div: () => withGradients(tf.div, [normal([3, 4]), positive([4])]),
  divNoNan: () => tf.divNoNan(tf.tensor1d([1, 2, 0]), tf.tensor1d([2, 0, 0])),
  pow: () => tf.pow(positive([3, 4]), 1.7),
  maximum: () => withGradients(tf.maximum, [normal([6]), normal([6], 5)]),
  minimum: () => tf.minimum(normal([6]), normal([6], 5)),
  neg: () => withGradients(tf.neg, [normal([6])]),
  abs: () => withGradients(tf.abs, [normal([6])]),
  square: () => withGradients(tf.square, [normal([6])]),
  sqrt: () => withGradients(tf.sqrt, [positive([6])]),
  rsqrt: () => withGradients(tf.rsqrt, [positive([6])]),
  exp: () => withGradients(tf.exp, [normal([6])]),
  log: () => withGradients(tf.log, [positive([6])]),
  sign: () => tf.sign(normal([6])),
  reciprocal: () => withGradients(tf.reciprocal, [positive([6])]),
  clipByValue: () => withGradients((x) => tf.clipByValue(x, -0.5, 0.5), [normal([9])]),
  isFinite: () => tf.isFinite(tf.tensor1d([1, Number.NaN, Number.POSITIVE_INFINITY])),
  isNaN: () => tf.isNaN(tf.tensor1d([1, Number.NaN, Number.POSITIVE_INFINITY])),
  relu: () => withGradients(tf.relu, [normal([3, 5])]),
  sigmoid: () => withGradients(tf.sigmoid, [normal([6])]),
  tanh: () => withGradients(tf.tanh, [normal([6])]),
  softmax: () => withGradients((x) => tf.softmax(x), [normal([3, 5])]),
  logSoftmax: () => withGradients((x) => tf.logSoftmax(x), [normal([3, 5])]),
  sum: () => withGradients((x) => tf.sum(x, 1), [normal([3, 5])]),
  'sum of everything': () => withGradients((x) => tf.sum(x), [normal([3, 5])]),
  mean: () => withGradients((x) => tf.mean(x, [1, 2]), [normal([2, 3, 4, 5])]),
  max: () => withGradients((x) => tf.max(x, 1), [normal([3, 5])]),
  min: () => tf.min(normal([3, 5]), 0),
  any: () => tf.any(tf.tensor1d([0, 1, 0], 'bool')),
  all: () => tf.all(tf.tensor1d([1, 1, 0], 'bool')),
  moments: () => Object.values(tf.moments(normal([2, 3, 4, 5]), [0, 1, 2])),
  argMax: () => tf.argMax(normal([3, 5]), 1),
  topk: () => Object.values(tf.topk(normal([3, 8]), 5)),
  matMul: () => withGradients((a, b) => tf.matMul(a, b), [normal([3, 7]), normal([7, 4], 5)]),
  'matMul of transposed': () => withGradients((a, b) => tf.matMul(a, b, true, true), [normal([7, 3]), normal([4, 7], 5)]),
  'matMul of stacks': () => withGradients((a, b) => tf.matMul(a, b), [normal([2, 3, 7]), normal([2, 7, 4], 5)]),
  transpose: () => withGradients((x) => tf.transpose(x, [2, 0, 1]), [normal([2, 3, 4])]),
  reshape: () => withGradients((x) => tf.reshape(x, [6, 4]), [normal([2, 3, 4])]),
  expandDims: () => tf.expandDims(normal([3, 4]), 1),
  squeeze: () => tf.squeeze(normal([3, 1, 4])),
  concat: () => withGradients((a, b) => tf.concat([a, b], 1), [normal([3, 2]), normal([3, 4], 5)]),
  stack: () => tf.stack([normal([3]), normal([3], 5)]),
  unstack: () => tf.unstack(normal([40, 2])),
  split: () => tf.split(normal([6, 4]), 3),
  slice: () => withGradients((x) => tf.slice(x, [1, 0], [2, 3]), [normal([4, 5])]),
  stridedSlice: () => tf.stridedSlice(normal([6, 5]), [0, 1], [6, 5], [2, 2]),
  pad: () =>
    withGradients(
      (x) =>
        tf.pad(
          x,
          [
            [1, 0],
            [0, 2],
          ],
          0.5,
        ),
      [normal([3, 4])],
    ),
  tile: () => withGradients((x) => tf.tile(x, [2, 3]), [normal([2, 2])]),
  reverse: () => tf.reverse(normal([3, 4]), 1),
  gather: () => withGradients((x) => tf.gather(x, tf.tensor1d([2, 0, 2], 'int32')), [normal([3, 4])]),
  where: () => tf.where(tf.greater(normal([6]), 0), normal([6], 5), normal([6], 6)),
  oneHot: () => tf.oneHot(tf.tensor1d([0, 3, 1], 'int32'), 4, 0.9, 0.025),
  cast: () => [
    tf.cast(normal([6]), 'int32'),
    tf.cast(integers([6]), 'float32'),
    tf.cast(integers([6]), 'bool'),
    tf.cast(tf.tensor1d([0, 1], 'bool'), 'float32'),
  ],
  equal: () => tf.equal(integers([20]), integers([20], 8)),
  less: () => [
    tf.less(normal([6]), normal([6], 5)),
    tf.lessEqual(integers([6]), 0),
    tf.greaterEqual(normal([6]), 0),
    tf.notEqual(integers([6]), 0),
  ],
  logical: () => [
    tf.logicalAnd(tf.tensor1d([0, 1, 1], 'bool'), tf.tensor1d([1, 1, 0], 'bool')),
    tf.logicalNot(tf.tensor1d([0, 1], 'bool')),
  ],
  fill: () => [
    tf.fill([2, 3], 0.25),
    tf.zeros([2, 2]),
    tf.ones([3], 'int32'),
    tf.zerosLike(normal([3])),
    tf.onesLike(normal([3])),
  ],
  range: () => [tf.range(0, 5), tf.linspace(0, 1, 5), tf.eye(3)],
  cumsum: () => tf.cumsum(normal([3, 4]), 1),
  'conv2d same': () => withGradients((x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same'), [image(), filter()]),
  'conv2d valid, stride 2': () =>
    withGradients((x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 2, 'valid'), [image(), filter()]),
  'conv2d of one pixel': () =>
    withGradients((x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'valid'), [image(), filter(1)]),
  maxPool: () => withGradients((x) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid'), [image()]),
  avgPool: () => withGradients((x) => tf.avgPool(x as tf.Tensor4D, 2, 2, 'valid'), [image()]),
  batchNorm: () =>
    withGradients(
      (x, m, v, b, s) =>
        tf.batchNorm(x as tf.Tensor4D, m as tf.Tensor1D, v as tf.Tensor1D, b as tf.Tensor1D, s as tf.Tensor1D, 1e-3),
      [image(), normal([5], 2), positive([5]), normal([5], 4), normal([5], 6)],
    ),
  resizeBilinear: () => tf.image.resizeBilinear(image(3) as tf.Tensor4D, [9, 11]),
  complex: () => {
    const z = tf.complex(normal([4]), normal([4], 5));
    return [tf.real(z), tf.imag(z), tf.real(tf.mul(z, z)), tf.imag(tf.mul(z, z))];
  },
};

describe.each(Object.keys(cases))('%s', (name) => {
  const run = cases[name] as () => tf.Tensor | tf.Tensor[];

  test('gives what the JavaScript backend gives', async () => {
    const expected = await on('cpu', run);
    const actual = await on('tensorflow', run);
    expect(actual.map(({ shape, dtype }) => ({ shape, dtype }))).toEqual(expected.map(({ shape, dtype }) => ({ shape, dtype })));
    const within = /matMul|conv2d|batchNorm|softmax|Softmax|moments|mean/.test(name) ? sums : tolerance.float32;
    for (const [i, { values }] of actual.entries()) expectClose(values, expected[i]!.values, within, `${name}, result ${i}`);
  });

  test('leaves no handle behind', () => {
    expect(handlesLeftBy(run)).toBe(0);
  });
});
