import { backend_util, conv2d, reverse, slice, type Tensor4D, tidy, transpose } from '@tensorflow/tfjs-core';
import { around, spread } from './spread.ts';

/** What TensorFlow.js's kernels of both gradients are told. */
export interface ConvolutionAttributes {
  readonly strides: number | [number, number];
  readonly pad: 'valid' | 'same' | number | [number, number][];
  readonly dataFormat: 'NHWC' | 'NCHW';
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

export type Shape4 = [number, number, number, number];

/** The geometry of the forward convolution. */
function geometry(inputShape: Shape4, filterShape: Shape4, attributes: ConvolutionAttributes) {
  const { strides, pad, dataFormat, dimRoundingMode } = attributes;
  if (dataFormat === 'NCHW') throw new Error('the wasm backend has images as NHWC only.');
  const explicit = pad as Parameters<typeof backend_util.computeConv2DInfo>[4];
  return backend_util.computeConv2DInfo(inputShape, filterShape, strides, 1, explicit, dimRoundingMode);
}

/**
 * The gradient of a convolution for its filter, which the wasm backend lacks:
 *
 *     dW[u, v, c, o] = sum over (b, i, j) of x[b, i s + u - p, j s + v - p, c] dy[b, i, j, o]
 *
 * That is itself a convolution, with batch and channels exchanged: images x as `[c, height, width, b]`, filter dy as `[i, j, b, o]`, dilated by s. So it
 * runs on the backend's fast kernel, and no matrix of patches is ever built.
 */
export function filterGradient(x: Tensor4D, dy: Tensor4D, filterShape: Shape4, attributes: ConvolutionAttributes): Tensor4D {
  const { padInfo, strideHeight, strideWidth } = geometry(x.shape, filterShape, attributes);
  const [height, width, inputs, outputs] = filterShape;
  return tidy(() => {
    const images = transpose(x, [3, 1, 2, 0]);
    const filter = transpose(dy, [1, 2, 0, 3]);
    const rows: [number, number] = [padInfo.top, padInfo.bottom];
    const columns: [number, number] = [padInfo.left, padInfo.right];
    const all = conv2d(images, filter, 1, around(rows, columns), 'NHWC', [strideHeight, strideWidth]);
    // Rows and columns that no window reached are left over where the stride doesn't divide.
    return transpose(slice(all, [0, 0, 0, 0], [inputs, height, width, outputs]), [1, 2, 0, 3]);
  });
}

/**
 * The gradient of a convolution for its input, as a convolution with the filter turned around, over dy with s - 1 zeros between its elements:
 * ten times as fast as the backend's own kernel.
 *
 * @returns undefined where padding reaches further than the filter, which the trick doesn't cover.
 */
export function inputGradient(
  dy: Tensor4D,
  filter: Tensor4D,
  inputShape: Shape4,
  attributes: ConvolutionAttributes,
): Tensor4D | undefined {
  const { padInfo, strideHeight, strideWidth, outHeight, outWidth } = geometry(inputShape, filter.shape, attributes);
  const [height, width] = filter.shape;
  const along = (size: number, k: number, { before, out, stride }: { before: number; out: number; stride: number }) => {
    const first = k - 1 - before;
    return [first, size - ((out - 1) * stride + 1) - first + k - 1] as [number, number];
  };
  const rows = along(inputShape[1], height, { before: padInfo.top, out: outHeight, stride: strideHeight });
  const columns = along(inputShape[2], width, { before: padInfo.left, out: outWidth, stride: strideWidth });
  if (Math.min(...rows, ...columns) < 0) return undefined;
  return tidy(() => {
    const turned = transpose(reverse(filter, [0, 1]), [0, 1, 3, 2]) as Tensor4D;
    return conv2d(spread(dy, strideHeight, strideWidth), turned, 1, around(rows, columns));
  });
}
