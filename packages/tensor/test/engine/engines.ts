import { BlasEngine } from '../../src/engine/blas/blas-engine.ts';
import type { MatrixEngine } from '../../src/engine/matrix-engine.ts';
import { ReferenceEngine } from '../../src/engine/reference/reference-engine.ts';

/** The engines that the suites run on: a new one joins by a line. */
export const engines: readonly { readonly name: string; readonly create: (lanes: number) => MatrixEngine }[] = [
  { name: 'reference', create: () => new ReferenceEngine() },
  {
    name: 'blas',
    create: (lanes) => new BlasEngine({ library: { path: process.env.OPENBLAS as string, prefix: 'scipy_' }, lanes }),
  },
];
