import { pad, reshape, slice, type Tensor4D } from '@tensorflow/tfjs-core';

/** What an image is padded with: rows before and after, columns before and after. */
export type Padding = [[number, number], [number, number], [number, number], [number, number]];

export const around = (rows: readonly [number, number], columns: readonly [number, number]): Padding => [
  [0, 0],
  [...rows],
  [...columns],
  [0, 0],
];

/** Puts zeros between rows and columns: `[b, h, w, c]` to `[b, (h - 1) down + 1, (w - 1) across + 1, c]`. Makes tensors: call it within a tidy. */
export function spread(x: Tensor4D, down: number, across: number): Tensor4D {
  if (down === 1 && across === 1) return x;
  const [batch, height, width, channels] = x.shape;
  const rows = reshape(x, [batch * height, 1, width, channels]);
  const withRows = reshape(pad(rows, around([0, down - 1], [0, 0])), [batch * height * down * width, 1, 1, channels]);
  const withBoth = pad(withRows, around([0, across - 1], [0, 0]));
  const whole = reshape(withBoth, [batch, height * down, width * across, channels]);
  return slice(whole, [0, 0, 0, 0], [batch, (height - 1) * down + 1, (width - 1) * across + 1, channels]) as Tensor4D;
}
