// The public entry: re-exports only, and nothing that needs Node.js: that is `node.ts`, the second door.

// Matrix engines.
export type {
  DivideByRoot,
  Eigh,
  FlatBuffer,
  Frame,
  MatrixEngine,
  ModeGram,
  ModeProduct,
  PackedPrecision,
  Packing,
  Place,
  Precision,
  ScaleFactor,
  Slot,
  Task,
} from './engine/matrix-engine.ts';
export { ReferenceEngine } from './engine/reference/reference-engine.ts';
export { createEngine, type EngineKind, engineNames, registerEngine } from './engine/registry.ts';
export { type RankDeficiency, type SpectrumPower, spectrumPower } from './engine/spectrum.ts';
export { elements } from './engine/strides.ts';
export { TfjsEngine } from './engine/tfjs/tfjs-engine.ts';
// TensorFlow beyond TensorFlow.js.
export { TensorError, type TensorErrorCode } from './errors.ts';
// Flat buffers.
export { packTensor, unpackTensor } from './flat.ts';
// Operations that training uses, each with its gradient.
export { addRelu } from './nn/add-relu.ts';
export {
  type BatchNormParameters,
  type BatchStatistics,
  batchNormFrozen,
  batchNormTraining,
  type NormalizedBatch,
} from './nn/batch-norm.ts';
export { convolution } from './nn/convolution.ts';
export { type CrossEntropyOptions, crossEntropy } from './nn/cross-entropy.ts';
export { type DenseParameters, dense } from './nn/dense.ts';
export { globalAveragePool } from './nn/global-average-pool.ts';
export { maxPool } from './nn/max-pool.ts';
export { relu } from './nn/relu.ts';
export type { WindowOptions } from './nn/window.ts';
export { type Run, wholeRun } from './runs.ts';
export { type Attribute, attribute, type ElementType } from './tensorflow/attributes.ts';
export { executeRaw, type RawOptions } from './tensorflow/raw.ts';
