import { conv2d, getBackend, pad, slice, type Tensor, type Tensor4D, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { TensorError } from '../errors.ts';
import { type Attribute, attribute } from '../tensorflow/attributes.ts';
import { executeRaw } from '../tensorflow/raw.ts';
import { rawOperation, runsRaw } from './operation.ts';
import { type Window, type WindowOptions, windowOver, windowPadding } from './window.ts';

/** How the three raw operations of a convolution are told about strides and padding. */
const attributes = ({ stride }: Window, padding: 'VALID' | 'SAME' | 'EXPLICIT', explicit: readonly number[] = []) => [
  attribute.type('T', 'float32'),
  attribute.ints('strides', [1, stride, stride, 1]),
  attribute.string('padding', padding),
  attribute.ints('explicit_paddings', explicit),
  attribute.ints('dilations', [1, 1, 1, 1]),
];

/**
 * The forward pass takes padding as it is, but the gradients of an explicitly padded convolution leave oneDNN's fast kernels (measured: 1.3 to 7
 * times slower). So they see it as `SAME` where that pads alike, else as a convolution without padding over a padded copy, which lives for
 * that moment only.
 */
const rawConvolution = rawOperation<'x' | 'filter', Window>({
  name: 'ShampooConvolution',
  forward: ({ x, filter }, window) => executeRaw('Conv2D', [x, filter], { attributes: forwardAttributes(window) }),
  savedInputs: ['x', 'filter'],
  savedOutputs: [],
  gradient: (dy, [x, filter], window) => ({
    x: () => inputGradient(dy, filter as Tensor4D, window),
    filter: () => filterGradient(dy, x as Tensor4D, window),
  }),
});

function forwardAttributes(window: Window): readonly Attribute[] {
  const { padding: p, same } = window;
  if (p === 0) return attributes(window, 'VALID');
  return same ? attributes(window, 'SAME') : attributes(window, 'EXPLICIT', [0, 0, p, p, p, p, 0, 0]);
}

function inputGradient(dy: Tensor, filter: Tensor4D, window: Window): Tensor {
  const [batch, height, width, channels] = window.inputShape;
  const { before, after, same } = window;
  const gradient = (sizes: number[], padding: 'VALID' | 'SAME') =>
    executeRaw('Conv2DBackpropInput', [tensor1d(sizes, 'int32'), filter, dy], {
      attributes: attributes(window, padding),
    })[0] as Tensor4D;
  return tidy(() => {
    if (same) return gradient([...window.inputShape], 'SAME');
    const padded = [batch, before + height + after[0], before + width + after[1], channels];
    const whole = gradient(padded, 'VALID');
    return before === 0 && after[0] === 0 && after[1] === 0
      ? whole
      : slice(whole, [0, before, before, 0], [...window.inputShape]);
  });
}

function filterGradient(dy: Tensor, x: Tensor4D, window: Window): Tensor {
  return tidy(() => {
    const input = window.same || window.padding === 0 ? x : pad(x, windowPadding(window));
    const sizes = tensor1d([...window.filterShape], 'int32');
    return executeRaw('Conv2DBackpropFilter', [input, sizes, dy], {
      attributes: attributes(window, window.same ? 'SAME' : 'VALID'),
    })[0] as Tensor;
  });
}

/**
 * Convolution of images, y[b, i, j, o] = sum over (u, v, c) of x[b, i s + u - p, j s + v - p, c] filter[u, v, c, o], with zeros outside of x.
 *
 * @param x [batch, height, width, in].
 * @param filter [height, width, in, out], TensorFlow's order.
 * @param options stride s >= 1, padding p >= 0 on all four sides, as in PyTorch. Default 1 and 0.
 * @returns [batch, floor((height + 2 p - filter height) / s) + 1, ..., out].
 * @throws {TensorError} `bad-argument` when channels differ, or the filter is larger than the padded image.
 */
export function convolution(x: Tensor4D, filter: Tensor4D, options: WindowOptions = {}): Tensor4D {
  if (x.shape[3] !== filter.shape[2]) {
    throw new TensorError('bad-argument', `convolution: x has ${x.shape[3]} channels, the filter takes ${filter.shape[2]}.`, {
      x: x.shape,
      filter: filter.shape,
    });
  }
  const window = windowOver(x.shape, filter.shape, { ...options, who: 'convolution' });
  if (runsRaw()) return rawConvolution({ x, filter }, window)[0] as Tensor4D;
  // tfjs-node's own kernels know no padding but SAME and VALID; a copy serves all of them.
  if (getBackend() !== 'wasm')
    return conv2d(window.padding === 0 ? x : pad(x, windowPadding(window)), filter, window.stride, 'valid');
  return conv2d(x, filter, window.stride, windowPadding(window));
}
