import { TensorError } from '../errors.ts';

/** Height, width, channels in, channels out of a filter; for a pool the channels don't matter. */
export type FilterShape = readonly [number, number, number, number];

/** Batch, height, width, channels. */
export type ImageShape = readonly [number, number, number, number];

/** How a window moves over an image. */
export interface WindowOptions {
  /** Elements between two windows, in both directions. Default 1. */
  readonly stride?: number;
  /** Rows and columns added on all four sides. Default 0. */
  readonly padding?: number;
}

/** A window over an image, and everything that follows from their sizes. */
export interface Window {
  readonly stride: number;
  readonly padding: number;
  readonly inputShape: ImageShape;
  readonly filterShape: FilterShape;
  /** Windows down and across. */
  readonly outputSize: readonly [number, number];
  /** Rows and columns added before, which is the padding. */
  readonly before: number;
  /** Rows added below and columns added on the right, as far as a window reaches them. */
  readonly after: readonly [number, number];
  /** Whether TensorFlow's padding `SAME` is this very padding. */
  readonly same: boolean;
}

/**
 * The geometry of windows: output size floor((n + 2 padding - k) / stride) + 1.
 *
 * @throws {TensorError} `bad-argument` for a stride or padding that isn't a whole number, or a window larger than the padded image.
 */
export function windowOver(inputShape: ImageShape, filterShape: FilterShape, options: WindowOptions & { who: string }): Window {
  const { stride = 1, padding = 0, who } = options;
  if (!Number.isInteger(stride) || stride < 1 || !Number.isInteger(padding) || padding < 0) {
    throw new TensorError(
      'bad-argument',
      `${who}: stride ${stride} and padding ${padding}, expected whole numbers of at least 1 and 0.`,
      { stride, padding },
    );
  }
  const along = (dimension: 0 | 1) => {
    const size = inputShape[dimension + 1] as number;
    const filter = filterShape[dimension];
    const windows = Math.floor((size + 2 * padding - filter) / stride) + 1;
    if (windows < 1) {
      throw new TensorError(
        'bad-argument',
        `${who}: a window of ${filter} doesn't fit ${size} elements with ${padding} added on both sides.`,
        {
          inputShape,
          filterShape,
          padding,
        },
      );
    }
    return { windows, after: Math.max(0, (windows - 1) * stride + filter - padding - size) };
  };
  const [down, across] = [along(0), along(1)];
  const same = padding > 0 && stride === 1 && filterShape[0] === 2 * padding + 1 && filterShape[1] === 2 * padding + 1;
  return {
    stride,
    padding,
    inputShape: [...inputShape],
    filterShape: [...filterShape],
    outputSize: [down.windows, across.windows],
    before: padding,
    after: [down.after, across.after],
    same,
  };
}

/** What to pad an image with so that windows without padding see the same. */
export function windowPadding({
  before,
  after,
}: Window): [[number, number], [number, number], [number, number], [number, number]] {
  return [
    [0, 0],
    [before, after[0]],
    [before, after[1]],
    [0, 0],
  ];
}
