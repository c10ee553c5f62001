// The door for Node.js: re-exports only. What finds, fetches and binds native engines, and so imports `node:` and koffi.

// The TensorFlow.js backend.
export { type Backend, type BackendOptions, useBackend, whichBackend } from './backend.ts';
export { BlasEngine, type BlasEngineOptions } from './engine/blas/blas-engine.ts';
export type { BlasLibrary } from './engine/blas/library.ts';
export { useBlas } from './engine/blas/use-blas.ts';
export { type LoadOptions, loadLibrary } from './native-library.ts';

// Engines on this machine.
export { cacheFolder } from './provision/cache.ts';
export { doctor, type Finding } from './provision/doctor.ts';
export type { TensorFlowFiles } from './provision/find-tensorflow.ts';
export { type PrepareOptions, prepareBlas, prepareTensorFlow, searchBlas, searchTensorFlow } from './provision/prepare.ts';
export type { Blas } from './provision/probe-blas.ts';
export { type Report, silent } from './provision/report.ts';
export type { Attempt, Search } from './provision/search.ts';
export type { ContextSettings } from './tensorflow/config-proto.ts';
export { type TfNode, tfNode } from './tensorflow/tf-node.ts';
