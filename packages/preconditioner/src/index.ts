export { biasCorrection, filterCorrection } from './bias-correction.ts';
export { PreconditionerError, type PreconditionerErrorCode } from './errors.ts';
export { type GraftedState, grafted, type Method } from './grafting.ts';
export { type InverseExponents, inverseExponentOf } from './kronecker/exponents.ts';
export { type FactorStorageName, factorStorages } from './kronecker/factor-storage.ts';
export { type CoupledScratch, coupledScratch, type RootSlots } from './matrix/coupled.ts';
export { type CoupledHigherOrderOptions, coupledHigherOrder } from './matrix/coupled-higher-order.ts';
export { type CoupledNewtonOptions, coupledNewton } from './matrix/coupled-newton.ts';
export {
  type EigenbasisOptions,
  type EigenbasisScratch,
  type EigenbasisSlots,
  eigenbasis,
  eigenbasisScratch,
} from './matrix/eigenbasis.ts';
export { type InverseRootOptions, type InverseRootScratch, inverseRoot, inverseRootScratch } from './matrix/inverse-root.ts';
export { type NewtonSchulzOptions, type NewtonSchulzScratch, newtonSchulz, newtonSchulzScratch } from './matrix/newton-schulz.ts';
export { type Rational, rationalOf } from './matrix/rational.ts';
export {
  type BasisOptions,
  type EigendecomposedOptions,
  type EigenvalueCorrectedOptions,
  type GraftingInput,
  type GraftingOptions,
  graftingOptions,
  type PreconditionerInput,
  type PreconditionerOptions,
  preconditionerOptions,
  type RankDeficiencyOptions,
  type RootInverseOptions,
  requiredOrder,
  type SignDescentOptions,
  type SpectralDescentOptions,
} from './options.ts';
export type { BlockState, GraftingMethod, Preconditioner, RefreshJob, RefreshOutcome, SharedOptions } from './preconditioner.ts';
export { createGrafting, createPreconditioner } from './table.ts';
