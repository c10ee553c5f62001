import { availableParallelism } from 'node:os';
import { type PrepareOptions, prepareBlas } from '../../provision/prepare.ts';
import type { Blas } from '../../provision/probe-blas.ts';
import { registerEngine } from '../registry.ts';
import { BlasEngine } from './blas-engine.ts';

/** Ahead of `reference`. */
const PRIORITY = 10;

/**
 * Finds an OpenBLAS and offers the `blas` engine, so that `createEngine()` takes it from now on. May be called again.
 *
 * Its lanes are by default the machine's processors, shared with the other ranks of the host (`LOCAL_WORLD_SIZE`).
 *
 * @throws {TensorError} `engine-not-found`: what was tried and what to do; `createEngine()` then goes on giving `reference`.
 */
export async function useBlas(options: PrepareOptions = {}): Promise<Blas> {
  const library = await prepareBlas(options);
  const ranks = Math.max(1, Number((options.environment ?? process.env)['LOCAL_WORLD_SIZE'] ?? 1) || 1);
  const share = Math.max(1, Math.floor(availableParallelism() / ranks));
  registerEngine('blas', { priority: PRIORITY, create: (lanes = share) => new BlasEngine({ library, lanes }) });
  return library;
}
