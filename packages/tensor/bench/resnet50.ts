import * as tf from '@tensorflow/tfjs-core';
import { addRelu, batchNormTraining, convolution, crossEntropy, dense, globalAveragePool, maxPool, relu } from '../src/index.ts';
import { useBackend } from '../src/node.ts';

// A training step of ResNet-50 v1.5 with plain SGD, out of this package's operations: node --conditions=@distributed-shampoo/source --import tsx bench/resnet50.ts [batch] [size] [steps] [threads]
const [batch = 16, size = 224, steps = 5, threads = 2] = process.argv.slice(2).map(Number);
await useBackend({ threads });

type Layer = (x: tf.Tensor4D) => tf.Tensor4D;
const variables: tf.Variable[] = [];
const variable = <R extends tf.Rank>(value: tf.Tensor<R>): tf.Variable<R> => {
  const made = tf.variable(value);
  variables.push(made as tf.Variable);
  value.dispose();
  return made;
};

function convolutionNorm(channelsIn: number, channelsOut: number, [kernel, stride]: [number, number]): Layer {
  const deviation = Math.sqrt(2 / (kernel * kernel * channelsIn));
  const filter = variable(tf.randomNormal<tf.Rank.R4>([kernel, kernel, channelsIn, channelsOut], 0, deviation));
  const scale = variable(tf.ones<tf.Rank.R1>([channelsOut]));
  const offset = variable(tf.zeros<tf.Rank.R1>([channelsOut]));
  return (x) => batchNormTraining(convolution(x, filter, { stride, padding: (kernel - 1) >> 1 }), { scale, offset }, 1e-5).y;
}

function bottleneck(channelsIn: number, width: number, stride: number): Layer {
  const reduce = convolutionNorm(channelsIn, width, [1, 1]);
  const spatial = convolutionNorm(width, width, [3, stride]);
  const expand = convolutionNorm(width, 4 * width, [1, 1]);
  const project = stride > 1 || channelsIn !== 4 * width ? convolutionNorm(channelsIn, 4 * width, [1, stride]) : undefined;
  return (x) => tf.tidy(() => addRelu(expand(relu(spatial(relu(reduce(x))))), project?.(x) ?? x));
}

const stem = convolutionNorm(3, 64, [7, 2]);
const blocks: Layer[] = [];
let channels = 64;
for (const [width, count, stride] of [
  [64, 3, 1],
  [128, 4, 2],
  [256, 6, 2],
  [512, 3, 2],
] as const) {
  for (let i = 0; i < count; i++) {
    blocks.push(bottleneck(channels, width, i === 0 ? stride : 1));
    channels = 4 * width;
  }
}
const kernel = variable(tf.randomNormal<tf.Rank.R2>([2048, 1000], 0, 0.01));
const bias = variable(tf.zeros<tf.Rank.R1>([1000]));

const images = tf.randomNormal<tf.Rank.R4>([batch, size, size, 3]);
const labels = tf.randomUniform<tf.Rank.R1>([batch], 0, 1000, 'int32');
const loss = () => {
  let x = tf.tidy(() => maxPool(relu(stem(images)), 3, { stride: 2, padding: 1 }));
  for (const block of blocks) x = block(x);
  return crossEntropy(dense(globalAveragePool(x), { kernel, bias }), labels, { labelSmoothing: 0.1 });
};

const seconds: number[] = [];
let atStart = process.cpuUsage();
for (let step = 0; step <= steps; step++) {
  // The first step is slower: it touches its memory for the first time.
  if (step === 1) atStart = process.cpuUsage();
  const start = performance.now();
  tf.tidy(() => {
    const { value, grads } = tf.variableGrads(loss, variables);
    for (const v of variables) v.assign(tf.sub(v, tf.mul(grads[v.name] as tf.Tensor, 0.01)));
    value.dataSync();
    variables[0]?.dataSync();
  });
  seconds.push((performance.now() - start) / 1000);
}
const [median = 0] = seconds
  .slice(1)
  .sort((a, b) => a - b)
  .slice(steps >> 1);
const { user, system } = process.cpuUsage(atStart);
const { maxRSS } = process.resourceUsage();
const cpu = (user + system) / 1e6 / steps;
process.stdout.write(
  `${(batch / median).toFixed(2)} images/s, ${median.toFixed(2)} s and ${cpu.toFixed(2)} CPU seconds a step, ${(maxRSS / 1e6).toFixed(1)} GB at most\n`,
);
