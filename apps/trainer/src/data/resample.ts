import type { View } from './crop.ts';
import type { Pixels } from './decode.ts';
import { gainAndBias, type Normalisation, type Triple } from './normalisation.ts';
import { type Taps, triangleTaps } from './taps.ts';

/** Shows a view of an image at a fixed size: fills `target`, [size, size, 3]: rows of red, green, blue. */
export type Resample = (image: Pixels, view: View, target: Float32Array) => void;

/** What lies between the two passes: some of the image's rows, already as wide as the result. Scratch memory that only grows. */
interface Rows {
  values: Float32Array;
  /** The row of the image that the first of them was. */
  first: number;
  count: number;
}

/**
 * Crops, resizes, mirrors and normalises in two passes, along the rows and then along the columns, without rounding in between.
 *
 * In plain TypeScript because most pictures are small: from 32 to 32 pixels it takes 0.05 ms, where one call of sharp takes 0.4 ms before it
 * begins. From a 500 x 375 photograph to 224 pixels it takes about 2 ms, twice what sharp's resize takes and less than decoding.
 *
 * @param size  side of the square result in pixels.
 * @returns the function; it keeps its scratch memory, so it serves one caller at a time.
 */
export function createResample(size: number, normalisation: Normalisation): Resample {
  const { gain, bias } = gainAndBias(normalisation);
  const rows: Rows = { values: new Float32Array(0), first: 0, count: 0 };
  return (image, { rectangle, mirrored }, target) => {
    const across = triangleTaps({ start: rectangle.left, length: rectangle.width, available: image.width }, size, mirrored);
    const down = triangleTaps({ start: rectangle.top, length: rectangle.height, available: image.height }, size, false);
    rows.first = down.first[0]!;
    rows.count = down.first[size - 1]! + down.count[size - 1]! - rows.first;
    const needed = rows.count * size * 3;
    if (rows.values.length < needed) rows.values = new Float32Array(needed);
    alongRows(image, across, rows);
    downColumns(rows, down, { target, gain, bias });
  };
}

/** rows[y, x, c] = sum_i w[x, i] image[rows.first + y, first[x] + i, c] */
function alongRows(image: Pixels, taps: Taps, rows: Rows): void {
  const { data, width } = image;
  const { values } = rows;
  const { first, count, weights, stride } = taps;
  const size = first.length;
  for (let y = 0, out = 0; y < rows.count; y++) {
    const row = (rows.first + y) * width;
    for (let x = 0; x < size; x++, out += 3) {
      let red = 0;
      let green = 0;
      let blue = 0;
      const end = x * stride + count[x]!;
      for (let tap = x * stride, at = (row + first[x]!) * 3; tap < end; tap++, at += 3) {
        const weight = weights[tap]!;
        red += weight * data[at]!;
        green += weight * data[at + 1]!;
        blue += weight * data[at + 2]!;
      }
      values[out] = red;
      values[out + 1] = green;
      values[out + 2] = blue;
    }
  }
}

/** Where the second pass ends: the normalised values and how they come about. */
interface Result {
  readonly target: Float32Array;
  readonly gain: Triple;
  readonly bias: Triple;
}

/** target[y, x, c] = bias[c] + gain[c] sum_i w[y, i] rows[first[y] + i, x, c] */
function downColumns({ values, first: firstRow }: Rows, taps: Taps, { target, gain, bias }: Result): void {
  const { first, count, weights, stride } = taps;
  const size = first.length;
  const width = size * 3;
  const [redGain, greenGain, blueGain] = gain;
  const [redBias, greenBias, blueBias] = bias;
  for (let y = 0; y < size; y++) {
    const start = y * stride;
    const end = start + count[y]!;
    const above = (first[y]! - firstRow) * width;
    for (let x = 0; x < width; x += 3) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let tap = start, at = above + x; tap < end; tap++, at += width) {
        const weight = weights[tap]!;
        red += weight * values[at]!;
        green += weight * values[at + 1]!;
        blue += weight * values[at + 2]!;
      }
      const out = y * width + x;
      target[out] = red * redGain + redBias;
      target[out + 1] = green * greenGain + greenBias;
      target[out + 2] = blue * blueGain + blueBias;
    }
  }
}
