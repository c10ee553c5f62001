import { BlasEngine } from '../../src/engine/blas/blas-engine.ts';
import type { MatrixEngine } from '../../src/engine/matrix-engine.ts';
import { ReferenceEngine } from '../../src/engine/reference/reference-engine.ts';
import { prepareBlas } from '../../src/provision/prepare.ts';

const library = await prepareBlas();

/** A `blas` engine on the library that this machine has. */
export const blasEngine = (lanes: number): MatrixEngine => new BlasEngine({ library, lanes });

/** The engines that the suites run on: a new one joins by a line. */
export const engines: readonly { readonly name: string; readonly create: (lanes: number) => MatrixEngine }[] = [
  { name: 'reference', create: () => new ReferenceEngine() },
  { name: 'blas', create: blasEngine },
];
