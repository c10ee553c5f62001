import { BlasEngine } from '../../src/engine/blas/blas-engine.ts';
import type { MatrixEngine } from '../../src/engine/matrix-engine.ts';
import { ReferenceEngine } from '../../src/engine/reference/reference-engine.ts';
import { TfjsEngine } from '../../src/engine/tfjs/tfjs-engine.ts';
import { prepareBlas } from '../../src/provision/prepare.ts';
import { startBackends } from '../backends.ts';

const library = await prepareBlas();

await startBackends();

/** A `blas` engine on the library that this machine has. */
export const blasEngine = (lanes: number): MatrixEngine => new BlasEngine({ library, lanes });

/** The engines that the suites run on: a new one joins by a line. */
export const engines: readonly {
  readonly name: string;
  readonly create: (lanes: number) => MatrixEngine;
  /** The TensorFlow.js backend under it; default TensorFlow. */
  readonly backend?: string;
}[] = [
  { name: 'reference', create: () => new ReferenceEngine() },
  { name: 'blas', create: blasEngine },
  { name: 'tfjs', create: () => new TfjsEngine() },
  { name: 'tfjs on wasm', backend: 'wasm', create: () => new TfjsEngine() },
];
