// A Keras-style model, trained by `fitDataset` on two processes: node layers-model.mjs
import { connect } from '@distributed-shampoo/collectives';
import { deviceMesh } from '@distributed-shampoo/dtensor';
import { shardDataset } from '@distributed-shampoo/dtensor/data';
import { DistributedShampoo } from '@distributed-shampoo/optimizer';
import { useBackend, useBlas } from '@distributed-shampoo/tensor/node';
import { isRank, launch } from '@distributed-shampoo/trainer';
import { array } from '@tensorflow/tfjs-data';
import { layers, sequential } from '@tensorflow/tfjs-layers';

if (!isRank()) process.exit(await launch(import.meta.url, { nprocPerNode: 2 }));
const group = await connect();
const mesh = deviceMesh(group);
await useBackend({ threads: 1 });
await useBlas();

// Is a point inside of the circle?
const points = Array.from({ length: 1024 }, (_, i) => {
  const [x, y] = [((i * 0.618034) % 1) * 2 - 1, ((i * 0.754878) % 1) * 2 - 1];
  return { xs: [x, y], ys: [x * x + y * y < 0.5 ? 1 : 0] };
});
const model = sequential({
  layers: [
    layers.dense({ units: 32, activation: 'tanh', inputShape: [2] }),
    layers.dense({ units: 32, activation: 'tanh' }),
    layers.dense({ units: 1, activation: 'sigmoid' }),
  ],
});
const optimizer = new DistributedShampoo(
  // A matrix stays one: small as it is, it would else be preconditioned as one long vector.
  { learningRate: 0.02, betas: [0.9, 0.99], targetParameterDimensionality: 2, grafting: { type: 'adam' } },
  { mesh },
);
// Ranks start equal, though each drew weights of its own: rank 0's are broadcast.
optimizer.build(model.trainableWeights.map((weight) => weight.read()));
model.compile({ optimizer, loss: 'binaryCrossentropy', metrics: ['accuracy'] });

await model.fitDataset(shardDataset(array(points), mesh).shuffle(512, 'seed').batch(32), {
  epochs: 15,
  verbose: 0,
  callbacks: {
    onEpochEnd(epoch, { loss, acc }) {
      const means = Float64Array.of(loss, acc);
      group.allReduceSync(means, { op: 'mean' });
      if (group.rank === 0)
        console.log(`epoch ${epoch + 1}  loss ${means[0].toFixed(4)}  accuracy ${(100 * means[1]).toFixed(1)} %`);
    },
  },
});
await group.close();
