// A training loop of one's own, on two processes: node mlp.mjs
import { connect } from '@distributed-shampoo/collectives';
import { deviceMesh } from '@distributed-shampoo/dtensor';
import { shardDataset } from '@distributed-shampoo/dtensor/data';
import { DistributedShampoo } from '@distributed-shampoo/optimizer';
import { useBackend, useBlas } from '@distributed-shampoo/tensor/node';
import { isRank, launch } from '@distributed-shampoo/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { generator } from '@tensorflow/tfjs-data';

if (!isRank()) process.exit(await launch(import.meta.url, { nprocPerNode: 2 }));
const group = await connect();
const mesh = deviceMesh(group);
await useBackend({ threads: 1 });
await useBlas();

// Two spirals, one class each.
const spirals = generator(function* () {
  for (let i = 0; i < 2048; i++) {
    const angle = 9 * (i / 2048) + Math.PI * (i % 2);
    yield { xs: [(i / 2048) * Math.cos(angle), (i / 2048) * Math.sin(angle)], ys: i % 2 };
  }
});
const widths = [2, 64, 64, 2];
const kernels = [0, 1, 2].map((i) =>
  tf.variable(tf.truncatedNormal([widths[i], widths[i + 1]], 0, 0.2, 'float32', i), true, `w${i}`),
);
const biases = [0, 1, 2].map((i) => tf.variable(tf.zeros([widths[i + 1]]), true, `b${i}`));
const logits = (xs) => kernels.reduce((h, w, i) => tf.add(tf.matMul(i > 0 ? tf.relu(h) : h, w), biases[i]), xs);

const optimizer = new DistributedShampoo({ learningRate: 0.01, betas: [0.9, 0.99], grafting: { type: 'adam' } }, { mesh });
optimizer.build([...kernels, ...biases]);
const mean = new Float32Array(1);
for (let epoch = 1; epoch <= 10; epoch++) {
  await shardDataset(spirals.shuffle(2048, `epoch ${epoch}`), mesh)
    .batch(64)
    .forEachAsync(({ xs, ys }) => {
      const loss = () => tf.losses.softmaxCrossEntropy(tf.oneHot(tf.cast(ys, 'int32'), 2), logits(xs));
      mean[0] = tf.tidy(() => optimizer.minimize(loss, true).dataSync()[0]);
    });
  group.allReduceSync(mean, { op: 'mean' });
  if (group.rank === 0) console.log(`epoch ${epoch}  loss ${mean[0].toFixed(4)}`);
}
await group.close();
