import type { MatrixEngine } from '@distributed-shampoo/tensor';
import { biasCorrection } from '../bias-correction.ts';
import type { AveragedSecondMoments } from './rmsprop.ts';
import { secondMomentPreconditioner } from './second-moment.ts';

/** Adam's denominator: second moments are averaged and corrected by `1 - beta2^count`, whatever the optimizer's `useBiasCorrection` says. */
export const adam = (engine: MatrixEngine, { beta2, epsilon, dropWeightingFactor }: AveragedSecondMoments) =>
  secondMomentPreconditioner(engine, {
    decay: beta2,
    weight: dropWeightingFactor ? 1 : 1 - beta2,
    epsilon,
    correction: (count) => (dropWeightingFactor ? 1 : biasCorrection(beta2, count)),
  });
