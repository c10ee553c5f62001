/** Values of any shape, flat, in float64. */
export type Numbers = Float64Array;

/** Batch, height, width, channels. */
export type Shape4 = readonly [number, number, number, number];

/** A function of some arrays, and the arrays. */
export interface Case {
  readonly inputs: readonly Numbers[];
  readonly f: (inputs: readonly Numbers[]) => Numbers;
}

/** Central differences err by step^2 times a third derivative, and by the rounding of f over the step: both below 1e-8 in float64. */
const STEP = 1e-5;

/** Gradients of sum(weights f(inputs)) with respect to each input, by central differences. */
export function numericGradients({ inputs, f }: Case, weights: ArrayLike<number>): Numbers[] {
  const value = (xs: readonly Numbers[]) => f(xs).reduce((sum, y, i) => sum + y * (weights[i] as number), 0);
  return inputs.map((x, which) => {
    const at = (i: number, step: number) =>
      value(inputs.map((other, k) => (k === which ? x.map((v, j) => (j === i ? v + step : v)) : other)));
    return x.map((_, i) => (at(i, STEP) - at(i, -STEP)) / (2 * STEP));
  });
}

const index = ([, h, w, c]: Shape4, [b, i, j, k]: Shape4) => ((b * h + i) * w + j) * c + k;

/** Calls `visit` with every position of an image stack. */
function positions([batch, height, width, channels]: Shape4, visit: (at: Shape4) => void): void {
  for (let b = 0; b < batch; b++)
    for (let i = 0; i < height; i++) for (let j = 0; j < width; j++) for (let k = 0; k < channels; k++) visit([b, i, j, k]);
}

/** How a window moves. */
export interface Moves {
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
}

const windows = (size: number, { kernel, stride, padding }: Moves) => Math.floor((size + 2 * padding - kernel) / stride) + 1;

/** The shape that a convolution or pool gives. */
export function movedShape([batch, height, width]: Shape4, moves: Moves, channels: number): Shape4 {
  return [batch, windows(height, moves), windows(width, moves), channels];
}

/** Convolution by its definition, zeros outside of the image. */
export function convolution(shape: Shape4, out: number, moves: Moves): Case['f'] {
  const { kernel, stride, padding } = moves;
  const [, height, width, channels] = shape;
  return ([x, filter]) => {
    const yShape = movedShape(shape, moves, out);
    const y = new Float64Array(yShape.reduce((a, b) => a * b));
    positions(yShape, (at) => {
      const [b, i, j, o] = at;
      for (let u = 0; u < kernel; u++) {
        for (let v = 0; v < kernel; v++) {
          const [r, s] = [i * stride + u - padding, j * stride + v - padding];
          if (r < 0 || s < 0 || r >= height || s >= width) continue;
          for (let c = 0; c < channels; c++) {
            y[index(yShape, at)]! += x![index(shape, [b, r, s, c])]! * filter![((u * kernel + v) * channels + c) * out + o]!;
          }
        }
      }
    });
    return y;
  };
}

/** The largest value of each window. */
export function maxPool(shape: Shape4, moves: Moves): Case['f'] {
  const { kernel, stride, padding } = moves;
  const [, height, width, channels] = shape;
  return ([x]) => {
    const yShape = movedShape(shape, moves, channels);
    const y = new Float64Array(yShape.reduce((a, b) => a * b)).fill(Number.NEGATIVE_INFINITY);
    positions(yShape, (at) => {
      const [b, i, j, c] = at;
      for (let u = 0; u < kernel; u++) {
        for (let v = 0; v < kernel; v++) {
          const [r, s] = [i * stride + u - padding, j * stride + v - padding];
          if (r < 0 || s < 0 || r >= height || s >= width) continue;
          const k = index(yShape, at);
          y[k] = Math.max(y[k]!, x![index(shape, [b, r, s, c])]!);
        }
      }
    });
    return y;
  };
}

/** Mean and variance (over n, not n - 1) of each channel. */
export function statistics(shape: Shape4, x: Numbers): { mean: Numbers; variance: Numbers; count: number } {
  const channels = shape[3];
  const count = x.length / channels;
  const mean = new Float64Array(channels);
  const variance = new Float64Array(channels);
  x.forEach((value, i) => {
    mean[i % channels]! += value / count;
  });
  x.forEach((value, i) => {
    variance[i % channels]! += (value - mean[i % channels]!) ** 2 / count;
  });
  return { mean, variance, count };
}

/** Batch norm of x, scale, offset, by the statistics of x. */
export function batchNormTraining(shape: Shape4, epsilon: number): Case['f'] {
  return ([x, scale, offset]) => {
    const { mean, variance } = statistics(shape, x!);
    return batchNormFrozen(shape, { mean, variance, epsilon })([x!, scale!, offset!]);
  };
}

/** Batch norm of x, scale, offset, by given statistics. */
export function batchNormFrozen(shape: Shape4, given: { mean: Numbers; variance: Numbers; epsilon: number }): Case['f'] {
  const channels = shape[3];
  return ([x, scale, offset]) =>
    x!.map((value, i) => {
      const c = i % channels;
      return ((value - given.mean[c]!) / Math.sqrt(given.variance[c]! + given.epsilon)) * scale![c]! + offset![c]!;
    });
}

/** Mean softmax cross-entropy of logits [batch, classes], a single number. */
export function crossEntropy(labels: readonly number[], classes: number, smoothing: number): Case['f'] {
  return ([logits]) => {
    let loss = 0;
    labels.forEach((label, b) => {
      const row = logits!.subarray(b * classes, (b + 1) * classes);
      const top = Math.max(...row);
      const logSum = top + Math.log(row.reduce((sum, z) => sum + Math.exp(z - top), 0));
      row.forEach((z, c) => {
        const target = (1 - smoothing) * (c === label ? 1 : 0) + smoothing / classes;
        loss -= (target * (z - logSum)) / labels.length;
      });
    });
    return Float64Array.of(loss);
  };
}

/** x [batch, in] times kernel [in, out], plus bias [out]. */
export function dense(width: number, out: number): Case['f'] {
  return ([x, kernel, bias]) => {
    const y = new Float64Array((x!.length / width) * out);
    return y.map((_, i) => {
      const [b, o] = [Math.floor(i / out), i % out];
      let sum = bias![o]!;
      for (let k = 0; k < width; k++) sum += x![b * width + k]! * kernel![k * out + o]!;
      return sum;
    });
  };
}
