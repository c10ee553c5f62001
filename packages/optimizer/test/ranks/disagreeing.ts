import '../engines.ts';
import { connect } from '@distributed-shampoo/collectives';
import { report } from '@distributed-shampoo/collectives/testing';
import { deviceMesh } from '@distributed-shampoo/dtensor';
import { tensor, variable } from '@tensorflow/tfjs-core';
import { DistributedShampoo } from '../../src/index.ts';

/** One rank of a run in which rank 1 does something else; reports the error that each rank gets. */
const [, , difference] = process.argv;
const group = await connect({ timeoutMs: 20_000 });
const odd = group.rank === 1;
const codeOf = (run: () => void): string => {
  try {
    run();
    return 'none';
  } catch (error) {
    return String((error as { code?: string }).code);
  }
};

const weights = variable(tensor([1, 2, 3, 4], [2, 2]), true, 'weights');
const bias = variable(tensor([1, 2]), true, 'bias');
const learningRate = difference === 'options' && odd ? 0.2 : 0.1;
const optimizer = new DistributedShampoo({ learningRate, epsilon: 1e-4 }, { mesh: deviceMesh(group) });
const built = codeOf(() => optimizer.build(difference === 'variables' && odd ? [bias, weights] : [weights, bias]));
let stepped = 'not reached';
if (built === 'none') {
  optimizer.writeGradient('weights', tensor([1, odd && difference === 'not finite' ? Number.NaN : 1, 1, 1], [2, 2]));
  if (!(odd && difference === 'missing gradient')) optimizer.writeGradient('bias', tensor([1, 1]));
  stepped = codeOf(() => optimizer.step());
}
report({ built, stepped, weights: Array.from(weights.dataSync()) });
await group.close();
