/** One number each for red, green and blue. */
export type Triple = readonly [number, number, number];

/** What is subtracted from and divided out of red, green and blue, on the scale 0 to 1. */
export interface Normalisation {
  readonly mean: Triple;
  readonly std: Triple;
}

/** Mean and standard deviation of the pixels of ImageNet, the custom for photographs. */
export const imagenetNormalisation: Normalisation = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/**
 * The same as one multiplication and one addition on bytes:
 *
 *     (v / 255 - mean) / std = v * gain + bias,   gain = 1 / (255 std),   bias = -mean / std
 */
export function gainAndBias({ mean, std }: Normalisation): { readonly gain: Triple; readonly bias: Triple } {
  return {
    gain: [1 / (255 * std[0]), 1 / (255 * std[1]), 1 / (255 * std[2])],
    bias: [-mean[0] / std[0], -mean[1] / std[1], -mean[2] / std[2]],
  };
}
