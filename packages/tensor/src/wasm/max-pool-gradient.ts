import {
  add,
  backend_util,
  cast,
  equal,
  logicalAnd,
  logicalNot,
  logicalOr,
  mul,
  pad,
  slice,
  stridedSlice,
  type Tensor,
  type Tensor4D,
  tidy,
} from '@tensorflow/tfjs-core';
import { around, spread } from './spread.ts';

/** What TensorFlow.js's kernel is told. */
export interface MaxPoolAttributes {
  readonly filterSize: number | [number, number];
  readonly strides: number | [number, number];
  readonly pad: Parameters<typeof backend_util.computePool2DInfo>[4];
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** Below every float32 that a network produces, so that padding is never the maximum. */
const LOWEST = -3.4e38;

/**
 * The gradient of max-pooling. The wasm backend's own loses some elements (seen in 4.22).
 *
 * One place of the window after the other: where x holds the window's maximum there, and no place before did, dy goes to it. So a tie goes to the first, as on
 * TensorFlow.
 *
 * @param y what the pooling returned.
 */
export function maxPoolGradient(dy: Tensor4D, x: Tensor4D, y: Tensor4D, attributes: MaxPoolAttributes): Tensor4D {
  const { filterSize, strides, pad: padding, dimRoundingMode } = attributes;
  const info = backend_util.computePool2DInfo(x.shape, filterSize, strides, 1, padding, dimRoundingMode);
  const { padInfo, strideHeight, strideWidth, outHeight, outWidth, filterHeight, filterWidth } = info;
  const [batch, height, width, channels] = x.shape;
  return tidy(() => {
    const padded = pad(x, around([padInfo.top, padInfo.bottom], [padInfo.left, padInfo.right]), LOWEST) as Tensor4D;
    const [rows, columns] = [padded.shape[1], padded.shape[2]];
    const [high, wide] = [(outHeight - 1) * strideHeight + 1, (outWidth - 1) * strideWidth + 1];
    let taken: Tensor | undefined;
    let sum: Tensor | undefined;
    for (let u = 0; u < filterHeight; u++) {
      for (let v = 0; v < filterWidth; v++) {
        const seen = stridedSlice(padded, [0, u, v, 0], [batch, u + high, v + wide, channels], [1, strideHeight, strideWidth, 1]);
        const equals = equal(seen, y);
        const first: Tensor = taken === undefined ? equals : logicalAnd(equals, logicalNot(taken));
        taken = taken === undefined ? equals : logicalOr(taken, equals);
        const share = spread(mul(dy, cast(first, 'float32')) as Tensor4D, strideHeight, strideWidth);
        const placed: Tensor = pad(share, around([u, rows - u - high], [v, columns - v - wide]));
        sum = sum === undefined ? placed : add(sum, placed);
      }
    }
    return slice(sum as Tensor4D, [0, padInfo.top, padInfo.left, 0], [batch, height, width, channels]) as Tensor4D;
  });
}
