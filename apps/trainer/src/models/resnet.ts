import { dense, globalAveragePool, maxPool, relu } from '@distributed-shampoo/tensor';
import { type Tensor1D, type Tensor2D, type Tensor4D, tidy } from '@tensorflow/tfjs-core';
import type { BlockKind } from './blocks.ts';
import { convolutionAndNorm, type Layer } from './layers.ts';
import type { Model } from './model.ts';
import { Parameters } from './parameters.ts';

/** What tells the networks of the family apart. */
export interface ResNetShape {
  readonly name: string;
  /** `large`: 7 x 7 with stride 2, then max-pooling, for pictures; `small`: 3 x 3, for thumbnails. */
  readonly stem: 'large' | 'small';
  readonly block: BlockKind;
  /** Width of the blocks of each stage, and their number; every stage but the first halves the image. */
  readonly stages: readonly (readonly [width: number, blocks: number])[];
}

export interface ModelInputs {
  readonly classes: number;
  readonly seed: number;
}

/**
 * A residual network: stem, stages of residual blocks, global average, one dense layer.
 *
 * @see He et al., "Deep residual learning for image recognition", arXiv 1512.03385; strides as in "v1.5".
 */
export function resnet({ name, stem, block, stages }: ResNetShape, { classes, seed }: ModelInputs): Model {
  const parameters = new Parameters(seed);
  let channels = (stages[0] as readonly [number, number])[0];
  const layers: Layer[] = [stem === 'large' ? largeStem(parameters, channels) : smallStem(parameters, channels)];
  for (const [stage, [width, blocks]] of stages.entries()) {
    for (let index = 0; index < blocks; index++) {
      const stride = stage > 0 && index === 0 ? 2 : 1;
      layers.push(block.create(parameters, `stage${stage + 1}.block${index + 1}`, { inputs: channels, width, stride }));
      channels = block.outputs(width);
    }
  }
  const kernel = parameters.kernel('head.kernel', [channels, classes]);
  const bias = parameters.constant('head.bias', classes, 0);
  return {
    name,
    variables: parameters.variables,
    statistics: parameters.statistics,
    forward(images, mode) {
      const features = layers.reduce((x, layer) => layer(x, mode), images);
      mode.betweenLayers();
      return dense(globalAveragePool(features), {
        kernel: mode.parameter(kernel) as Tensor2D,
        bias: mode.parameter(bias) as Tensor1D,
      });
    },
    dispose: () => parameters.dispose(),
  };
}

function largeStem(parameters: Parameters, outputs: number): Layer {
  const first = convolutionAndNorm(parameters, 'stem', { inputs: 3, outputs, kernel: 7, stride: 2 });
  return (x, mode) => tidy(() => maxPool(relu(first(x, mode)), 3, { stride: 2, padding: 1 }));
}

function smallStem(parameters: Parameters, outputs: number): Layer {
  const first = convolutionAndNorm(parameters, 'stem', { inputs: 3, outputs, kernel: 3, stride: 1 });
  return (x, mode) => tidy(() => relu(first(x, mode)) as Tensor4D);
}
