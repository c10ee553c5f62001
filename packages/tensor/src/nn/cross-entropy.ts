import {
  add,
  cast,
  logSoftmax,
  mean,
  mul,
  neg,
  oneHot,
  type Scalar,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tidy,
} from '@tensorflow/tfjs-core';
import { TensorError } from '../errors.ts';
import { attribute } from '../tensorflow/attributes.ts';
import { executeRaw } from '../tensorflow/raw.ts';
import { rawOperation, runsRaw } from './operation.ts';

/** Outputs: the mean loss, and the gradient of each image's loss with respect to its logits. */
const rawCrossEntropy = rawOperation<'logits' | 'targets', object>({
  name: 'ShampooCrossEntropy',
  forward: ({ logits, targets }) =>
    tidy(() => {
      const attributes = [attribute.type('T', 'float32')];
      const [losses, gradient] = executeRaw('SoftmaxCrossEntropyWithLogits', [logits, targets], { attributes, outputs: 2 });
      return [mean(losses as Tensor), gradient as Tensor];
    }),
  savedInputs: [],
  savedOutputs: [false, true],
  gradient: (dy, [gradient]) => ({
    logits: () => mul(gradient as Tensor, mul(dy, 1 / ((gradient as Tensor).shape[0] as number))),
    targets() {
      throw new Error('crossEntropy: labels are constants and have no gradient.');
    },
  }),
});

/** How the loss is taken. */
export interface CrossEntropyOptions {
  /** Share of the target that is spread over all classes, in [0, 1). Default 0. */
  readonly labelSmoothing?: number;
}

/**
 * Softmax cross-entropy, the mean over the batch of -sum over c of t[c] log softmax(logits)[c], where t is (1 - s) onehot(label) + s / classes
 * for label smoothing s.
 *
 * @param logits [batch, classes]. @param labels int32 [batch], each in [0, classes).
 * @returns a scalar, with a gradient for the logits.
 * @throws {TensorError} `bad-argument` for shapes that don't fit, or a smoothing outside of [0, 1).
 * @see Szegedy et al., "Rethinking the Inception architecture", CVPR 2016, section 7.
 */
export function crossEntropy(logits: Tensor2D, labels: Tensor1D, { labelSmoothing = 0 }: CrossEntropyOptions = {}): Scalar {
  const [batch, classes] = logits.shape;
  if (labels.shape[0] !== batch || labels.dtype !== 'int32') {
    throw new TensorError(
      'bad-argument',
      `crossEntropy: logits are [${logits.shape}], labels are ${labels.dtype} [${labels.shape}]; expected int32 [${batch}].`,
    );
  }
  if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
    throw new TensorError(
      'bad-argument',
      `crossEntropy: labelSmoothing is ${labelSmoothing}, expected at least 0 and less than 1.`,
      { labelSmoothing },
    );
  }
  return tidy(() => {
    const rest = labelSmoothing / classes;
    // Whole numbers first: the wasm backend's one-hot writes no others.
    const targets = add(mul(cast(oneHot(labels, classes, 1, 0, 'int32'), 'float32'), 1 - labelSmoothing), rest);
    if (runsRaw()) return rawCrossEntropy({ logits, targets }, {})[0] as Scalar;
    return neg(mean(sum(mul(targets, logSoftmax(logits)), -1))) as Scalar;
  });
}
