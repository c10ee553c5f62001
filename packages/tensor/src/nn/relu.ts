import { relu as composedRelu, type Tensor } from '@tensorflow/tfjs-core';
import { attribute } from '../tensorflow/attributes.ts';
import { executeRaw } from '../tensorflow/raw.ts';
import { rawOperation, runsRaw } from './operation.ts';

const attributes = [attribute.type('T', 'float32')];

const rawRelu = rawOperation<'x', object>({
  name: 'ShampooRelu',
  forward: ({ x }) => executeRaw('Relu', [x], { attributes }),
  savedInputs: [],
  savedOutputs: [true],
  gradient: (dy, [y]) => ({ x: () => executeRaw('ReluGrad', [dy, y as Tensor], { attributes })[0] as Tensor }),
});

/**
 * y = max(x, 0), element by element; its gradient is dy where y > 0, else 0.
 *
 * The gradient keeps the output where TensorFlow.js's keeps the input: after a batch norm nobody else needs that input, and it can go.
 *
 * @param x float32, of any shape. @returns the same shape.
 */
export function relu<T extends Tensor>(x: T): T {
  return (runsRaw() ? rawRelu({ x }, {})[0] : composedRelu(x)) as T;
}
