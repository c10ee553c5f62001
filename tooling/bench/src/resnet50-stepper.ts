import { createInterface } from 'node:readline';
import { connect } from '@distributed-shampoo/collectives';
import { deviceMesh } from '@distributed-shampoo/dtensor';
import { DistributedShampoo } from '@distributed-shampoo/optimizer';
import { useBackend, useBlas } from '@distributed-shampoo/tensor/node';
import { backpropagate, models } from '@distributed-shampoo/trainer';

// Training steps of ResNet-50 with plain SGD, as one rank of a group or alone. Arguments: BATCH SIZE THREADS. See `stepper.ts`.
const [batchSize = 16, size = 224, threads = 1] = process.argv.slice(2).map(Number);
const group = await connect();
const { version } = await useBackend({ backend: 'tensorflow', threads });
await useBlas();
const model = models.resnet50.create({ classes: 1000, seed: 0 });
const optimizer = new DistributedShampoo(
  { learningRate: 0.01, betas: [0, 1], preconditioner: { type: 'sgd' } },
  { mesh: deviceMesh(group), lanes: threads },
);
optimizer.build(model.variables);
const images = Float32Array.from({ length: batchSize * size * size * 3 }, (_, i) => ((i * 2654435761) % 1000) / 500 - 1);
const labels = Int32Array.from({ length: batchSize }, (_, i) => (i * 37) % 1000);
const inputs = { model, optimizer, batchNorm: 'train', labelSmoothing: 0, betweenLayers: () => group.throwIfAborted() } as const;
const step = () => {
  backpropagate({ step: 0, images, labels, count: batchSize }, inputs);
  optimizer.step();
};

step();
console.log(`ready TensorFlow ${version}`);
for await (const _ of createInterface({ input: process.stdin })) {
  const start = performance.now();
  step();
  console.log((performance.now() - start) / 1000);
}
