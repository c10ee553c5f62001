/** For every pixel along one axis of a picture: which source pixels it is the weighted mean of. */
export interface Taps {
  /** First source pixel of every output pixel. */
  readonly first: Int32Array;
  /** How many source pixels. */
  readonly count: Int32Array;
  /** Their weights, `stride` places for every output pixel; they sum to 1. */
  readonly weights: Float32Array;
  readonly stride: number;
}

/** The piece of a source axis that is shown: where it begins, how long it is, and of how many pixels. */
export interface Piece {
  readonly start: number;
  readonly length: number;
  readonly available: number;
}

/**
 * Bilinear interpolation that does not alias: a triangle around the place of the output pixel, one source pixel wide to each side, or wider
 * by the factor of reduction. Pixels beyond the image do not count; pixels beyond the piece do, as if the whole image had been resized and
 * then cut.
 *
 *     w_i = max(0, 1 - |i + 1/2 - centre| / reach) / sum,   centre = start + (x + 1/2) length / size,   reach = max(1, length / size)
 *
 * @param mirrored whether output pixels run from the far end of the piece to its start.
 */
export function triangleTaps({ start, length, available }: Piece, size: number, mirrored: boolean): Taps {
  const step = length / size;
  const reach = Math.max(1, step);
  const stride = Math.ceil(2 * reach) + 1;
  const first = new Int32Array(size);
  const count = new Int32Array(size);
  const weights = new Float32Array(size * stride);
  for (let x = 0; x < size; x++) {
    const centre = start + (x + 0.5) * step;
    const weight = (i: number) => Math.max(0, 1 - Math.abs(i + 0.5 - centre) / reach);
    // The pixels whose middles lie within reach: never none, since reach is at least 1 and the centre lies in the image.
    const from = Math.max(0, Math.floor(centre - reach - 0.5) + 1);
    const to = Math.min(available, Math.ceil(centre + reach - 0.5));
    const out = mirrored ? size - 1 - x : x;
    let sum = 0;
    for (let i = from; i < to; i++) sum += weight(i);
    for (let i = from; i < to; i++) weights[out * stride + i - from] = weight(i) / sum;
    first[out] = from;
    count[out] = to - from;
  }
  return { first, count, weights, stride };
}
