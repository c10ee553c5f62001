import {
  add,
  all,
  cast,
  eye,
  isFinite as isFiniteTensor,
  linalg,
  mul,
  reshape,
  sub,
  type Tensor,
  type Tensor3D,
  tensor,
  transpose,
  where,
} from '@tensorflow/tfjs-core';
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { nodeBackend } from '../../tensorflow/backend.ts';
import { rawEigh } from '../../tensorflow/raw-eigh.ts';
import type { Eigh } from '../matrix-engine.ts';

/**
 * Symmetric eigendecomposition of a stack, by the lower triangles: values `[stack, n]` ascending, **rows** of eigenvectors `[stack, n, n]`, and a status
 * `[stack, 1]` that is not 0 where a result is not finite.
 *
 * On TensorFlow by its own operation, elsewhere on the host in float64.
 */
export function eighTensors(a: Tensor3D, how: Eigh): [Tensor, Tensor, Tensor] {
  const [stack, n] = a.shape;
  const healthy = all(isFiniteTensor(linalg.bandPart(a, -1, 0)), [1, 2]);
  // One member that is not finite would be an error for all of them.
  const safe = where(reshape(healthy, [stack, 1, 1]), a as Tensor, eye(n) as Tensor) as Tensor3D;
  const [values, vectors] = nodeBackend() === undefined ? hostEigh(safe, how) : onTensorFlow(safe, how);
  return [values, vectors, reshape(sub(1, cast(healthy, 'float32')), [stack, 1])];
}

function onTensorFlow(a: Tensor3D, { diagonal, precision }: Eigh): [Tensor, Tensor] {
  const matrix = precision === 'float32' && diagonal !== 0 ? add(a, mul(eye(a.shape[1]), diagonal)) : a;
  const [values, vectors] = rawEigh(matrix as Tensor3D, { precision, diagonal: precision === 'float32' ? 0 : diagonal });
  return [values, transpose(vectors, [0, 2, 1])];
}

/** In float64, whatever the precision asked for: the host has no other fast one. */
function hostEigh(a: Tensor3D, { diagonal }: Eigh): [Tensor, Tensor] {
  const [stack, n] = a.shape;
  const numbers = a.dataSync();
  const values = new Float32Array(stack * n);
  const vectors = new Float32Array(stack * n * n);
  for (let member = 0; member < stack; member++) {
    const at = member * n * n;
    const matrix = new Matrix(n, n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) {
        const value = (numbers[at + i * n + j] as number) + (i === j ? diagonal : 0);
        matrix.set(i, j, value).set(j, i, value);
      }
    }
    const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(matrix, { assumeSymmetric: true });
    values.set(realEigenvalues, member * n);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) vectors[at + i * n + j] = eigenvectorMatrix.get(j, i);
  }
  return [tensor(values, [stack, n]), tensor(vectors, [stack, n, n])];
}
