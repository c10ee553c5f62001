import { createPreconditioner, preconditionerOptions } from '@distributed-shampoo/preconditioner';
import { createEngine } from '@distributed-shampoo/tensor';

// Plain float64 arrays; with useBlas() of '@distributed-shampoo/tensor/node' it is OpenBLAS in shared memory.
const engine = createEngine('reference');
const options = preconditionerOptions.parse({ type: 'root-inverse' });
const shampoo = createPreconditioner(engine, options, {
  epsilon: 1e-6,
  beta2: 1,
  useBiasCorrection: true,
  outputs: 'columns',
  compatibility: 'default',
});

// Layout first: one block of 2 x 2, and what its task needs.
const shape = [1, 2, 2];
const state = shampoo.initial(shape, engine.frame());
shampoo.reserve([shape]);
const [gradient, direction] = [engine.allocate(shape), engine.allocate(shape)];
engine.open({
  memory: new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }),
  arenaOffset: 0,
  flatOffsets: { gradients: 0, directions: 0, weights: 0 },
});
shampoo.start(state);

// L^(-1/4) G R^(-1/4): for a single gradient, its singular values become 1.
engine.values(gradient).set([0, 4, 9, 0]);
engine.parallel([() => shampoo.observe(state, gradient, 1)]);
for (const job of shampoo.refresh(state, 1)) {
  engine.parallel([job.run]);
  job.install();
}
engine.parallel([() => shampoo.afterRefresh(state)]);
engine.parallel([() => shampoo.apply(state, direction, gradient, 1)]);
process.stdout.write(`${Array.from(engine.values(direction), (x) => x.toFixed(3)).join(' ')}\n`);
