import type { MatrixEngine } from '@distributed-shampoo/tensor';
import { eigenvalueCorrected } from './kronecker/eigenvalue-corrected.ts';
import { eigendecomposed, rootInverse } from './kronecker/shampoo.ts';
import type { GraftingOptions, PreconditionerOptions } from './options.ts';
import type { GraftingMethod, Preconditioner, SharedOptions } from './preconditioner.ts';
import { adagrad } from './simple/adagrad.ts';
import { adam } from './simple/adam.ts';
import { identity } from './simple/identity.ts';
import { rmsprop } from './simple/rmsprop.ts';
import { signDescent } from './simple/sign-descent.ts';
import { spectralDescent } from './simple/spectral-descent.ts';

type Makers<Union extends { type: string }, Made> = {
  readonly [Type in Union['type']]: (
    engine: MatrixEngine,
    options: Extract<Union, { type: Type }>,
    shared: SharedOptions,
  ) => Made;
};

const graftingMakers: Makers<GraftingOptions, GraftingMethod> = {
  sgd: identity,
  adagrad,
  rmsprop,
  adam,
  'sign-descent': signDescent,
  'spectral-descent': spectralDescent,
};

/** With `graftingMakers`, the only place that knows the methods' names. */
const makers: Makers<PreconditionerOptions, Preconditioner> = {
  ...graftingMakers,
  'root-inverse': rootInverse,
  'kl-root-inverse': rootInverse,
  eigendecomposed,
  'kl-eigendecomposed': eigendecomposed,
  'eigenvalue-corrected': eigenvalueCorrected,
};

/** A line of a table without the type that it was looked up by, which TypeScript cannot follow. */
type Maker<Options, Made> = (engine: MatrixEngine, options: Options, shared: SharedOptions) => Made;

/** @returns the main preconditioner that the options ask for, on an engine whose layout is still open. */
export function createPreconditioner(
  engine: MatrixEngine,
  options: PreconditionerOptions,
  shared: SharedOptions,
): Preconditioner {
  return (makers[options.type] as Maker<PreconditionerOptions, Preconditioner>)(engine, options, shared);
}

/** @returns the method that lends its step length, on an engine whose layout is still open. */
export function createGrafting(engine: MatrixEngine, options: GraftingOptions, shared: SharedOptions): GraftingMethod {
  return (graftingMakers[options.type] as Maker<GraftingOptions, GraftingMethod>)(engine, options, shared);
}
