import { add, relu, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { TensorError } from '../errors.ts';
import { attribute } from '../tensorflow/attributes.ts';
import { executeRaw } from '../tensorflow/raw.ts';
import { rawOperation, runsRaw } from './operation.ts';

const attributes = [attribute.type('T', 'float32')];

const rawAddRelu = rawOperation<'a' | 'b', object>({
  name: 'ShampooAddRelu',
  forward: ({ a, b }) => tidy(() => executeRaw('Relu', executeRaw('AddV2', [a, b], { attributes }), { attributes })),
  savedInputs: [],
  savedOutputs: [true],
  gradient(dy, [y]) {
    const gradient = executeRaw('ReluGrad', [dy, y as Tensor], { attributes })[0] as Tensor;
    // Two tensors over the same values, as each is freed by itself.
    return { a: () => gradient, b: () => gradient.clone() };
  },
});

/**
 * y = max(a + b, 0), the end of a residual block; the gradient of both is dy where y > 0, else 0.
 *
 * Only y is kept for the gradient, where TensorFlow.js's sum would keep a and b too.
 *
 * @param a float32. @param b of the same shape. @returns that shape.
 * @throws {TensorError} `bad-argument` when shapes differ.
 */
export function addRelu<T extends Tensor>(a: T, b: T): T {
  if (a.shape.join() !== b.shape.join()) {
    throw new TensorError('bad-argument', `addRelu: shapes [${a.shape}] and [${b.shape}] differ.`, { a: a.shape, b: b.shape });
  }
  return (runsRaw() ? rawAddRelu({ a, b }, {})[0] : tidy(() => relu(add(a, b)))) as T;
}
