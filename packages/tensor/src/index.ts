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
  Place,
  Precision,
  ScaleFactor,
  Slot,
  Task,
} from './engine/matrix-engine.ts';
export { ReferenceEngine } from './engine/reference/reference-engine.ts';
export { type RankDeficiency, type SpectrumPower, spectrumPower } from './engine/spectrum.ts';
export { elements } from './engine/strides.ts';
export { createEngine, type EngineKind, engineNames, registerEngine } from './engine/registry.ts';

// Flat buffers.
export { packTensor, unpackTensor } from './flat.ts';
export { type Run, wholeRun } from './runs.ts';
