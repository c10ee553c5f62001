import { maxPool as composedMaxPool, pad, type Tensor, type Tensor4D } from '@tensorflow/tfjs-core';
import { attribute } from '../tensorflow/attributes.ts';
import { executeRaw } from '../tensorflow/raw.ts';
import { rawOperation, runsRaw } from './operation.ts';
import { type Window, type WindowOptions, windowOver, windowPadding } from './window.ts';

const attributes = ({ stride, padding: p, filterShape: [height, width] }: Window) => [
  attribute.type('T', 'float32'),
  attribute.ints('ksize', [1, height, width, 1]),
  attribute.ints('strides', [1, stride, stride, 1]),
  ...(p === 0
    ? [attribute.string('padding', 'VALID')]
    : [attribute.string('padding', 'EXPLICIT'), attribute.ints('explicit_paddings', [0, 0, p, p, p, p, 0, 0])]),
  attribute.string('data_format', 'NHWC'),
];

const rawMaxPool = rawOperation<'x', Window>({
  name: 'ShampooMaxPool',
  forward: ({ x }, window) => executeRaw('MaxPool', [x], { attributes: attributes(window) }),
  savedInputs: ['x'],
  savedOutputs: [true],
  gradient: (dy, [x, y], window) => ({
    x: () => executeRaw('MaxPoolGrad', [x as Tensor, y as Tensor, dy], { attributes: attributes(window) })[0] as Tensor,
  }),
});

/** Below every float32 that a network produces, so that padding never wins. Infinity itself would become NaN in a product with 0. */
const LOWEST = -3.4e38;

/**
 * The largest value of each window: y[b, i, j, c] = max over (u, v) of x[b, i s + u - p, j s + v - p, c]. Padding never wins, as in PyTorch.
 * Where a window has its maximum several times, the gradient goes to the first on TensorFlow; TensorFlow.js's own kernels may choose another.
 *
 * @param x [batch, height, width, channels].
 * @param size of the window, in both directions; at least twice the padding, so that each window sees the image.
 * @returns [batch, floor((height + 2 p - size) / s) + 1, ..., channels].
 * @throws {TensorError} `bad-argument` for a window that doesn't fit.
 */
export function maxPool(x: Tensor4D, size: number, options: WindowOptions = {}): Tensor4D {
  const window = windowOver(x.shape, [size, size, 1, 1], { ...options, who: 'maxPool' });
  if (runsRaw()) return rawMaxPool({ x }, window)[0] as Tensor4D;
  return composedMaxPool(window.padding === 0 ? x : pad(x, windowPadding(window), LOWEST), size, window.stride, 'valid');
}
