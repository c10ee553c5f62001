import { convolution, crossEntropy, packTensor, relu, unpackTensor, wholeRun } from '@distributed-shampoo/tensor';
import { useBackend } from '@distributed-shampoo/tensor/node';
import * as tf from '@tensorflow/tfjs-core';

const { name, version, threads } = await useBackend({ threads: 2 });
process.stdout.write(`${name} ${version} on ${threads} threads\n`);

// One layer and its gradient, by raw TensorFlow operations.
const images = tf.randomNormal<tf.Rank.R4>([8, 16, 16, 3]);
const labels = tf.range(0, 8, 1, 'int32');
const filter = tf.randomNormal<tf.Rank.R4>([3, 3, 3, 10]);
const loss = (w: tf.Tensor) => crossEntropy(tf.mean(relu(convolution(images, w as tf.Tensor4D, { padding: 1 })), [1, 2]), labels);
const gradient = tf.grad(loss)(filter);

// Into a flat buffer, which other threads and BLAS may share, and back into a tensor of its own.
const flat = new Float32Array(new SharedArrayBuffer(4 * filter.size));
packTensor(flat, gradient, [wholeRun(gradient.size, 0)]);
const step = unpackTensor(flat, filter.shape, [wholeRun(filter.size, 0)]);
const cost = (w: tf.Tensor) => loss(w).dataSync()[0] as number;
process.stdout.write(`loss fell: ${cost(tf.sub(filter, tf.mul(step, 0.1))) < cost(filter)}\n`);
