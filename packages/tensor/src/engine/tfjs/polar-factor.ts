import { concat, matMul, reshape, sum, type Tensor, type Tensor3D, tensor } from '@tensorflow/tfjs-core';
import { Matrix, SingularValueDecomposition } from 'ml-matrix';
import { attribute } from '../../tensorflow/attributes.ts';
import { nodeBackend } from '../../tensorflow/backend.ts';
import { executeRaw } from '../../tensorflow/raw.ts';

/** Orthogonal factors of a stack, `[stack, m, n]`, and the sums of singular values, `[stack, 1]`. On TensorFlow by its own decomposition, elsewhere on the host in float64. */
export function polarTensors(x: Tensor3D): [Tensor, Tensor] {
  return nodeBackend() === undefined ? onHost(x) : onTensorFlow(x);
}

function onTensorFlow(x: Tensor3D): [Tensor, Tensor] {
  const attributes = [attribute.type('T', 'float32'), attribute.bool('compute_uv', true), attribute.bool('full_matrices', false)];
  const [s, u, v] = executeRaw('Svd', [x], { attributes, outputs: 3 }) as [Tensor, Tensor3D, Tensor3D];
  return [matMul(u, v, false, true), reshape(sum(s, 1), [x.shape[0], 1])];
}

function onHost(x: Tensor3D): [Tensor, Tensor] {
  const [stack, m, n] = x.shape;
  const numbers = x.dataSync();
  const factors: Tensor[] = [];
  const sums: number[] = [];
  for (let member = 0; member < stack; member++) {
    const matrix = Matrix.from1DArray(m, n, numbers.slice(member * m * n, (member + 1) * m * n));
    const {
      leftSingularVectors: u,
      rightSingularVectors: v,
      diagonal,
    } = new SingularValueDecomposition(matrix, { autoTranspose: true });
    const k = Math.min(m, n);
    const product = u.subMatrix(0, m - 1, 0, k - 1).mmul(v.subMatrix(0, n - 1, 0, k - 1).transpose());
    factors.push(tensor(product.to1DArray(), [1, m, n]));
    sums.push(diagonal.reduce((total, value) => total + value, 0));
  }
  return [concat(factors, 0), tensor(sums, [stack, 1])];
}
