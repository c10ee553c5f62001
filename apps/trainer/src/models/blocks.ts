import { addRelu, relu } from '@distributed-shampoo/tensor';
import { tidy } from '@tensorflow/tfjs-core';
import { convolutionAndNorm, type Layer } from './layers.ts';
import type { Parameters } from './parameters.ts';

/** A residual block's place in its network. */
export interface BlockShape {
  readonly inputs: number;
  /** Channels of its inner convolutions. */
  readonly width: number;
  readonly stride: number;
}

/** A kind of residual block: `relu(body(x) + shortcut(x))`, in a tidy of its own, so that what its gradient does not need is gone at once. */
export interface BlockKind {
  /** Channels out for a width. */
  readonly outputs: (width: number) => number;
  readonly create: (parameters: Parameters, name: string, shape: BlockShape) => Layer;
}

/** Two 3 x 3 convolutions. */
export const basicBlock: BlockKind = {
  outputs: (width) => width,
  create(parameters, name, { inputs, width, stride }) {
    const first = convolutionAndNorm(parameters, `${name}.1`, { inputs, outputs: width, kernel: 3, stride });
    // A scale of 0 makes the block the identity at first, which steadies the start of training.
    const second = convolutionAndNorm(parameters, `${name}.2`, { inputs: width, outputs: width, kernel: 3, stride: 1 }, 0);
    const shortcut = shortcutOf(parameters, name, { inputs, width: width, stride }, width);
    return (x, mode) => tidy(() => addRelu(second(relu(first(x, mode)), mode), shortcut(x, mode)));
  },
};

/** 1 x 1 down, 3 x 3, 1 x 1 up to four times the width; the stride is in the 3 x 3 convolution ("v1.5"). */
export const bottleneckBlock: BlockKind = {
  outputs: (width) => 4 * width,
  create(parameters, name, { inputs, width, stride }) {
    const outputs = 4 * width;
    const down = convolutionAndNorm(parameters, `${name}.1`, { inputs, outputs: width, kernel: 1, stride: 1 });
    const middle = convolutionAndNorm(parameters, `${name}.2`, { inputs: width, outputs: width, kernel: 3, stride });
    const up = convolutionAndNorm(parameters, `${name}.3`, { inputs: width, outputs, kernel: 1, stride: 1 }, 0);
    const shortcut = shortcutOf(parameters, name, { inputs, width, stride }, outputs);
    return (x, mode) => tidy(() => addRelu(up(relu(middle(relu(down(x, mode)), mode)), mode), shortcut(x, mode)));
  },
};

/** The identity where shapes agree, else a 1 x 1 convolution. */
function shortcutOf(parameters: Parameters, name: string, { inputs, stride }: BlockShape, outputs: number): Layer {
  if (stride === 1 && inputs === outputs) return (x) => x;
  return convolutionAndNorm(parameters, `${name}.shortcut`, { inputs, outputs, kernel: 1, stride });
}
