import type { MatrixEngine } from '@distributed-shampoo/tensor';
import { secondMomentPreconditioner } from './second-moment.ts';

/** Options of the methods that average second moments. */
export interface AveragedSecondMoments {
  readonly beta2: number;
  readonly epsilon: number;
  /** New squares have weight 1 instead of 1 - beta2, and nothing is corrected. */
  readonly dropWeightingFactor: boolean;
}

/** RMSprop: second moments are averaged, and never corrected for their start at zero. */
export const rmsprop = (engine: MatrixEngine, { beta2, epsilon, dropWeightingFactor }: AveragedSecondMoments) =>
  secondMomentPreconditioner(engine, { decay: beta2, weight: dropWeightingFactor ? 1 : 1 - beta2, epsilon, correction: () => 1 });
