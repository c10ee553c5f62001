import { DistributedShampoo } from '@distributed-shampoo/optimizer';
import { useBackend, useBlas } from '@distributed-shampoo/tensor/node';
import * as tf from '@tensorflow/tfjs-core';

await useBackend(); // TensorFlow
await useBlas(); // OpenBLAS for the preconditioner

// A linear model whose inputs are badly scaled: what a diagonal method finds hard.
const inputs = tf.mul(tf.randomNormal([256, 20], 0, 1, 'float32', 1), tf.range(1, 21));
const targets = tf.matMul(inputs, tf.randomNormal([20, 3], 0, 1, 'float32', 2));
const weights = tf.variable(tf.zeros<tf.Rank.R2>([20, 3]), true, 'weights');
const loss = () => tf.mean(tf.square(tf.sub(tf.matMul(inputs, weights), targets))) as tf.Scalar;

const optimizer = new DistributedShampoo({
  learningRate: 0.1,
  betas: [0.9, 0.99],
  epsilon: 1e-8,
  targetParameterDimensionality: 2, // a matrix stays one, though it is small enough to be one long vector
  preconditionFrequency: 5, // new roots every fifth step
  grafting: { type: 'adam' }, // the length of each step is Adam's
});
optimizer.build([weights]);

const before = loss().dataSync()[0] as number;
for (let step = 0; step < 100; step++) optimizer.minimize(loss);
process.stdout.write(
  `loss ${before.toFixed(0)}, a hundredth of it or less: ${(loss().dataSync()[0] as number) < before / 100}\n`,
);
optimizer.dispose();
