import type { MatrixEngine } from '@distributed-shampoo/tensor';
import { secondMomentPreconditioner } from './second-moment.ts';

/** AdaGrad: second moments are summed. */
export const adagrad = (engine: MatrixEngine, { epsilon }: { readonly epsilon: number }) =>
  secondMomentPreconditioner(engine, { decay: 1, weight: 1, epsilon, correction: () => 1 });
