import type { Frame, MatrixEngine, Slot } from '@distributed-shampoo/tensor';
import { biasCorrection } from '../bias-correction.ts';
import type { SharedOptions } from '../preconditioner.ts';
import type { Factor, Storage } from './factor-storage.ts';

/** How the factors of all Kronecker-factored methods average. */
export interface FactorAverage extends Pick<SharedOptions, 'beta2' | 'useBiasCorrection'> {
  readonly dropWeightingFactor: boolean;
}

/** Factors of a block by dimension, or null where a dimension has none. */
export type Factors = readonly (Factor | null)[];

/** Lays out a factor for each dimension of a block `[stack, ...dims]` that `has` one; scratch comes from the frame of the block's task. */
export function allocateFactors(
  { storage, frame }: { readonly storage: Storage; readonly frame: Frame },
  [stack, ...dims]: readonly number[],
  has: (dimension: number) => boolean,
): Factors {
  const place = storage(frame, stack as number);
  return dims.map((d, dimension) => (has(dimension) ? place(d) : null));
}

/** Weight of a new gradient: 1 - beta2; 1 where beta2 = 1 or the weighting factor is dropped. */
export const gradientWeight = ({ beta2, dropWeightingFactor }: FactorAverage): number =>
  beta2 === 1 || dropWeightingFactor ? 1 : 1 - beta2;

/** Takes a gradient into the factor of one dimension: `A_k <- beta2 A_k + weight G(k) G(k)^T`. */
export const observeFactor = (
  engine: MatrixEngine,
  { factor, gradient, mode }: { readonly factor: Factor; readonly gradient: Slot; readonly mode: number },
  average: FactorAverage,
): void =>
  factor.update((square) => engine.modeGram(square, gradient, { mode, decay: average.beta2, weight: gradientWeight(average) }));

/** What a factor is divided by before its root: `1 - beta2^count`, or 1 where nothing is to be corrected. */
export const factorCorrection = ({ beta2, useBiasCorrection, dropWeightingFactor }: FactorAverage, count: number): number =>
  useBiasCorrection && beta2 < 1 && !dropWeightingFactor ? biasCorrection(beta2, count) : 1;
