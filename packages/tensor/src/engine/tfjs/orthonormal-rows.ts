import {
  abs,
  add,
  all,
  cast,
  concat,
  div,
  equal,
  isFinite as isFiniteTensor,
  max,
  reshape,
  sub,
  type Tensor,
  type Tensor3D,
  tensor,
  transpose,
} from '@tensorflow/tfjs-core';
import { Matrix, QrDecomposition } from 'ml-matrix';
import { attribute } from '../../tensorflow/attributes.ts';
import { nodeBackend } from '../../tensorflow/backend.ts';
import { executeRaw } from '../../tensorflow/raw.ts';

/** Orthonormal rows of a stack, `[stack, n, n]`, and a status `[stack, 1]` that is not 0 where one is not finite. On TensorFlow by its own QR, elsewhere on the host in float64. */
export function orthonormalTensors(a: Tensor3D): [Tensor, Tensor] {
  const [stack] = a.shape;
  const rows = nodeBackend() === undefined ? onHost(a) : onTensorFlow(a);
  return [rows, reshape(sub(1, cast(all(isFiniteTensor(rows), [1, 2]), 'float32')), [stack, 1])];
}

/**
 * The columns of Q of the transposed matrices are the rows. Each row is first divided by its largest magnitude, which leaves spans as they are: TensorFlow squares
 * entries as they come, and below 1e-19 a square has lost its digits.
 */
function onTensorFlow(a: Tensor3D): Tensor {
  const attributes = [attribute.type('T', 'float32'), attribute.bool('full_matrices', false)];
  const size = max(abs(a), 2, true);
  const rows = div(a, add(size, cast(equal(size, 0), 'float32')));
  const [q] = executeRaw('Qr', [transpose(rows, [0, 2, 1])], { attributes, outputs: 2 });
  return transpose(q as Tensor, [0, 2, 1]);
}

function onHost(a: Tensor3D): Tensor {
  const [stack, n] = a.shape;
  const numbers = a.dataSync();
  const members = Array.from({ length: stack }, (_, member) => {
    const matrix = Matrix.from1DArray(n, n, numbers.slice(member * n * n, (member + 1) * n * n)).transpose();
    return tensor(new QrDecomposition(matrix).orthogonalMatrix.transpose().to1DArray(), [1, n, n]);
  });
  return concat(members, 0);
}
