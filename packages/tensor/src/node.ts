// The door for Node.js: re-exports only. What finds, fetches and binds native engines, and so imports `node:` and koffi.

export { BlasEngine, type BlasEngineOptions } from './engine/blas/blas-engine.ts';
export type { BlasLibrary } from './engine/blas/library.ts';
export { useBlas } from './engine/blas/use-blas.ts';
