export { biasCorrection, filterCorrection } from './bias-correction.ts';
export { PreconditionerError, type PreconditionerErrorCode } from './errors.ts';
export { type GraftedState, grafted, type Method } from './grafting.ts';
export { type InverseExponents, inverseExponentOf } from './kronecker/exponents.ts';
export { type InverseRootOptions, type InverseRootScratch, inverseRoot, inverseRootScratch } from './matrix/inverse-root.ts';
export {
  type GraftingInput,
  type GraftingOptions,
  graftingOptions,
  type PreconditionerInput,
  type PreconditionerOptions,
  preconditionerOptions,
  type RootInverseOptions,
} from './options.ts';
export type { BlockState, GraftingMethod, Preconditioner, RefreshJob, RefreshOutcome, SharedOptions } from './preconditioner.ts';
export { createGrafting, createPreconditioner } from './table.ts';
