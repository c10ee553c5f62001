import type { KernelOp } from './reduce-module.ts';

/** Arrays that a scalar kernel reads and writes; all of one dtype. */
export type Numbers = Float32Array | Float64Array | Int32Array;

const combine = {
  sum: (a: number, b: number) => a + b,
  min: Math.min,
  max: Math.max,
} as const;

/**
 * The oracle of every kernel, and the fallback where there is no SIMD:
 *
 *     out[i] <- scale * (((in_0[i] + in_1[i]) + in_2[i]) + ...)
 *
 * in rank order, rounded to the dtype after each operation. NaN propagates through min and max, and -0 < 0.
 * An output may be one of the inputs.
 */
export function reduceScalar(
  outputs: readonly Numbers[],
  inputs: readonly Numbers[],
  { op, scale }: { op: KernelOp; scale: number },
): void {
  const first = inputs[0]!;
  // Storing to an array of the dtype rounds (float32) or wraps (int32).
  const rounded = new (first.constructor as new (length: number) => Numbers)(1);
  for (let i = 0; i < first.length; i++) {
    rounded[0] = first[i]!;
    for (let r = 1; r < inputs.length; r++) rounded[0] = combine[op](rounded[0]!, inputs[r]![i]!);
    if (scale !== 1) rounded[0] = rounded[0]! * scale;
    for (const output of outputs) output[i] = rounded[0]!;
  }
}
