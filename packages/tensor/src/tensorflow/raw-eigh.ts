import type { Tensor, Tensor3D } from '@tensorflow/tfjs-core';
import { type Attribute, attribute } from './attributes.ts';
import { nodeBackend } from './backend.ts';
import type { TensorMetadata } from './binding.ts';
import { dataType } from './data-types.ts';

/** How a decomposition runs. */
export interface RawEigh {
  /** `float64`: the matrix is widened, `diagonal` added, decomposed, and the result rounded back. */
  readonly precision: 'float32' | 'float64';
  /** Added to the diagonal; float64 only. */
  readonly diagonal: number;
}

/**
 * TensorFlow's symmetric eigendecomposition (`SelfAdjointEigV2`), which reads lower triangles: values `[stack, n]` ascending, and vectors as columns
 * `[stack, n, n]`. TensorFlow.js has no float64, so in between handles are passed by their numbers.
 *
 * Only on this package's binding.
 */
export function rawEigh(a: Tensor3D, { precision, diagonal }: RawEigh): [Tensor, Tensor] {
  const node = nodeBackend();
  if (node === undefined) throw new Error('rawEigh: runs on the backend "tensorflow" of this package only.');
  const { binding } = node;
  const [input] = node.getInputTensorIds([a]) as [number];
  const spent: number[] = [];
  const run = (name: string, attributes: readonly Attribute[], inputs: readonly number[], outputs = 1): TensorMetadata[] =>
    binding.executeOp(name, attributes, [...inputs], outputs);
  /** One result, gone when all is done. */
  const between = (...call: Parameters<typeof run>): number => {
    const [{ id }] = run(...call) as [TensorMetadata];
    spent.push(id);
    return id;
  };
  const solve = (type: 'float32' | 'float64', matrix: number) =>
    run('SelfAdjointEigV2', [attribute.type('T', type), attribute.bool('compute_v', true)], [matrix], 2);
  const cast = (from: 'float32' | 'float64', to: 'float32' | 'float64') => [
    attribute.type('SrcT', from),
    attribute.type('DstT', to),
  ];
  try {
    if (precision === 'float32') return solve('float32', input).map((one) => node.createOutputTensor(one)) as [Tensor, Tensor];
    const wide = between('Cast', cast('float32', 'float64'), [input]);
    const shifted =
      diagonal === 0 ? wide : between('AddV2', [attribute.type('T', 'float64')], [wide, diagonalMatrix(a.shape[1])]);
    const results = solve('float64', shifted);
    spent.push(...results.map(({ id }) => id));
    return results.map(({ id }) =>
      node.createOutputTensor(run('Cast', cast('float64', 'float32'), [id])[0] as TensorMetadata),
    ) as [Tensor, Tensor];
  } finally {
    for (const id of spent) binding.deleteTensor(id);
  }

  function diagonalMatrix(n: number): number {
    const numbers = binding.createTensor([n], dataType.TF_DOUBLE, new Float64Array(n).fill(diagonal));
    spent.push(numbers);
    return between('Diag', [attribute.type('T', 'float64')], [numbers]);
  }
}
