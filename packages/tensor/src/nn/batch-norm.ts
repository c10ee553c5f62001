import {
  add,
  avgPool,
  customGrad,
  type GradSaveFunc,
  mean,
  mul,
  rsqrt,
  square,
  sub,
  type Tensor,
  type Tensor1D,
  type Tensor4D,
  tensor1d,
  tidy,
} from '@tensorflow/tfjs-core';
import { attribute } from '../tensorflow/attributes.ts';
import { executeRaw } from '../tensorflow/raw.ts';
import { rawOperation, runsRaw } from './operation.ts';

/** What a batch norm learns. Both [channels]. */
export interface BatchNormParameters {
  readonly scale: Tensor1D;
  readonly offset: Tensor1D;
}

/** Statistics over batch, height and width. Both [channels]. */
export interface BatchStatistics {
  readonly mean: Tensor1D;
  readonly variance: Tensor1D;
}

/** A normalised batch and the statistics that it was normalised by, which carry no gradient. */
export interface NormalizedBatch extends BatchStatistics {
  readonly y: Tensor4D;
}

interface Attributes {
  readonly epsilon: number;
}

type Inputs = 'x' | 'scale' | 'offset';

const attributes = (epsilon: number, training: boolean) => [
  attribute.type('T', 'float32'),
  attribute.type('U', 'float32'),
  attribute.float('epsilon', epsilon),
  attribute.string('data_format', 'NHWC'),
  attribute.bool('is_training', training),
];

/** Outputs: y, batch mean, unbiased batch variance, and three reserves, which only the gradient understands. */
const fusedTraining = rawOperation<Inputs, Attributes>({
  name: 'ShampooBatchNormTraining',
  forward: ({ x, scale, offset }, { epsilon }) =>
    tidy(() => {
      // No running statistics come in: the averaging is the caller's.
      const nothing = tensor1d([]);
      return executeRaw('FusedBatchNormV3', [x, scale, offset, nothing, nothing], {
        attributes: attributes(epsilon, true),
        outputs: 6,
      });
    }),
  savedInputs: ['x', 'scale'],
  savedOutputs: [false, false, false, true, true, true],
  gradient: (dy, saved, { epsilon }) => gradients(dy, saved, attributes(epsilon, true)),
});

const fusedFrozen = rawOperation<Inputs | 'mean' | 'variance', Attributes>({
  name: 'ShampooBatchNormFrozen',
  forward: ({ x, scale, offset, mean, variance }, { epsilon }) => {
    const outputs = executeRaw('FusedBatchNormV3', [x, scale, offset, mean, variance], {
      attributes: attributes(epsilon, false),
      outputs: 6,
    });
    for (const unused of outputs.splice(1)) unused.dispose();
    return outputs;
  },
  savedInputs: ['x', 'scale', 'mean', 'variance'],
  savedOutputs: [],
  gradient(dy, saved, { epsilon }) {
    const [x, scale, frozenMean, variance] = saved as [Tensor, Tensor, Tensor, Tensor];
    const constant = () => {
      throw new Error('batchNormFrozen: mean and variance are constants and have no gradient.');
    };
    return {
      ...gradients(dy, [x, scale, frozenMean, variance, tensor1d([])], attributes(epsilon, false)),
      mean: constant,
      variance: constant,
    };
  },
});

/** One raw operation gives the gradients of x, scale and offset at once. `saved`: x, scale and the three reserves. */
function gradients(
  dy: Tensor,
  saved: readonly Tensor[],
  attributes: ReturnType<typeof attribute.type>[],
): Record<Inputs, () => Tensor> {
  const [x, scale, offset, ...unused] = executeRaw('FusedBatchNormGradV3', [dy, ...saved], { attributes, outputs: 5 }) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  for (const tensor of unused as Tensor[]) tensor.dispose();
  return { x: () => x, scale: () => scale, offset: () => offset };
}

/** Batch, height and width. */
const AXES = [0, 1, 2];

/**
 * Batch normalisation in training, by the statistics of the batch:
 *
 *     m = mean(x),  v = mean((x - m)^2),  y = (x - m) / sqrt(v + epsilon) * scale + offset
 *
 * with means over batch, height and width. The gradient flows through m and v.
 *
 * @param x [batch, height, width, channels].
 * @param epsilon above 0; cuDNN takes nothing below 1e-5.
 * @returns y as x; the mean; and the *unbiased* variance, v n / (n - 1) over n = batch height width values (v itself for n = 1), as running
 *          averages take it (PyTorch, TensorFlow).
 * @see Ioffe and Szegedy, "Batch normalization", ICML 2015.
 */
export function batchNormTraining(x: Tensor4D, parameters: BatchNormParameters, epsilon: number): NormalizedBatch {
  const { scale, offset } = parameters;
  if (!runsRaw()) return composedTraining(x, parameters, epsilon);
  const [y, batchMean, variance, ...reserves] = fusedTraining({ x, scale, offset }, { epsilon }) as [
    Tensor4D,
    Tensor1D,
    Tensor1D,
  ];
  for (const reserve of reserves as Tensor[]) reserve.dispose();
  return { y, mean: batchMean, variance };
}

/**
 * The same out of TensorFlow.js's operations, with the gradient written out, as autodiff would take three times as many passes over x:
 *
 *     c = x - m,  a = scale / sqrt(v + epsilon),  y = a c + offset
 *     dx = a (dy - mean(dy) - c mean(dy c) / (v + epsilon)),  d scale = sum(dy c) / sqrt(v + epsilon),  d offset = sum(dy)
 */
function composedTraining(x: Tensor4D, { scale, offset }: BatchNormParameters, epsilon: number): NormalizedBatch {
  const n = x.shape[0] * x.shape[1] * x.shape[2];
  const [batchMean, variance] = tidy(() => {
    const m = channelMean(x);
    return [m, channelMean(square(sub(x, m)))] as [Tensor1D, Tensor1D];
  });
  const normalize = customGrad((...inputs) => {
    const [images, factor, shift, save] = inputs as unknown as [Tensor4D, Tensor1D, Tensor1D, GradSaveFunc];
    const centred = sub(images, batchMean);
    const inverse = rsqrt(add(variance, epsilon));
    save([centred, inverse, factor]);
    return {
      value: add(mul(centred, mul(inverse, factor)), shift),
      gradFunc(dy: Tensor, saved: Tensor[]) {
        const [c, r, s] = saved as [Tensor4D, Tensor1D, Tensor1D];
        const [dyMean, dycMean] = [channelMean(dy as Tensor4D), channelMean(mul(dy, c) as Tensor4D)];
        const dx = mul(sub(sub(dy, dyMean), mul(c, mul(dycMean, square(r)))), mul(s, r));
        return [dx, mul(mul(dycMean, n), r), mul(dyMean, n)];
      },
    };
  });
  return {
    y: normalize(x, scale, offset) as Tensor4D,
    mean: batchMean,
    variance: mul<Tensor1D>(variance, n / Math.max(1, n - 1)),
  };
}

/** Means over batch, height and width, `[channels]`. By pooling, which needs no transposed copy as a reduction over leading axes does. */
const channelMean = (x: Tensor4D): Tensor1D => mean(avgPool(x, [x.shape[1], x.shape[2]], 1, 'valid'), AXES);

/**
 * Batch normalisation by given statistics, as in evaluation and for frozen layers: y = (x - mean) / sqrt(variance + epsilon) * scale + offset.
 *
 * Gradients for x, scale and offset; mean and variance are constants.
 *
 * @param x [batch, height, width, channels]. @returns the same shape.
 */
export function batchNormFrozen(x: Tensor4D, parameters: BatchNormParameters & BatchStatistics, epsilon: number): Tensor4D {
  if (!runsRaw()) return normalized(x, parameters, epsilon);
  const { scale, offset, mean, variance } = parameters;
  return fusedFrozen({ x, scale, offset, mean, variance }, { epsilon })[0] as Tensor4D;
}

function normalized(
  x: Tensor4D,
  parameters: BatchNormParameters & { mean: Tensor; variance: Tensor },
  epsilon: number,
): Tensor4D {
  const { scale, offset, mean, variance } = parameters;
  return add(mul(mul(sub(x, mean), rsqrt(add(variance, epsilon))), scale), offset);
}
