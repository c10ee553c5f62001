import type { MatrixEngine, Slot } from '@distributed-shampoo/tensor';
import { biasCorrection } from '../bias-correction.ts';
import type { SharedOptions } from '../preconditioner.ts';

/** How the factors of all Kronecker-factored methods average. */
export interface FactorAverage extends Pick<SharedOptions, 'beta2' | 'useBiasCorrection'> {
  readonly dropWeightingFactor: boolean;
}

/** Factors of a block by dimension: `[stack, d_k, d_k]`, lower triangle, or null where a dimension has none. */
export type Factors = readonly (Slot | null)[];

/** Lays out a factor for each dimension of a block `[stack, ...dims]` that `has` one. */
export const allocateFactors = (
  engine: MatrixEngine,
  [stack, ...dims]: readonly number[],
  has: (dimension: number) => boolean,
): Factors => dims.map((d, dimension) => (has(dimension) ? engine.allocate([stack as number, d, d]) : null));

/**
 * Takes a gradient into the factors: `A_k <- beta2 A_k + weight G(k) G(k)^T`, weight 1 - beta2; 1 where beta2 = 1 or the weighting
 * factor is dropped.
 */
export function observeFactors(
  engine: MatrixEngine,
  factors: Factors,
  gradient: Slot,
  { beta2, dropWeightingFactor }: FactorAverage,
): void {
  const weight = beta2 === 1 || dropWeightingFactor ? 1 : 1 - beta2;
  for (const [mode, factor] of factors.entries()) {
    if (factor !== null) engine.modeGram(factor, gradient, { mode, decay: beta2, weight });
  }
}

/** What a factor is divided by before its root: `1 - beta2^count`, or 1 where nothing is to be corrected. */
export const factorCorrection = ({ beta2, useBiasCorrection, dropWeightingFactor }: FactorAverage, count: number): number =>
  useBiasCorrection && beta2 < 1 && !dropWeightingFactor ? biasCorrection(beta2, count) : 1;
