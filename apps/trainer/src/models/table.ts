import type { OptimizerName } from '../presets/optimizers.ts';
import { basicBlock, bottleneckBlock } from './blocks.ts';
import type { Model } from './model.ts';
import { type ModelInputs, type ResNetShape, resnet } from './resnet.ts';

/** How a network is trained unless the user says otherwise. */
export interface Recipe {
  /** Side of the images, and images of a step per rank. */
  readonly imageSize: number;
  readonly batchSize: number;
  /** Least share of an image's area in a random crop. */
  readonly cropScale: number;
}

/** For networks that depend on the side of their images. */
export interface SizedModelInputs extends ModelInputs {
  readonly imageSize: number;
}

/** A network and what suits it. */
export interface ModelKind extends Recipe {
  readonly create: (inputs: SizedModelInputs) => Model | Promise<Model>;
  readonly learningRates: Readonly<Record<OptimizerName, number>>;
  /** Most steps between two roots of a block: few where they cost little beside a step, since stale ones learn more slowly. */
  readonly rootsEvery: number;
  /** The same for the generated images, and how long to train on them. */
  readonly generated: Recipe & { readonly steps: number };
}

/** A network of the table: made at once, for images of any size. */
interface OurModelKind extends ModelKind {
  readonly create: (inputs: ModelInputs) => Model;
}

const pictures = {
  imageSize: 224,
  batchSize: 16,
  cropScale: 0.08,
  rootsEvery: 50,
  learningRates: { shampoo: 0.004, soap: 0.003, 'kl-shampoo': 0.004, muon: 0.01, adamw: 0.003, sgd: 0.02 },
  generated: { imageSize: 64, batchSize: 32, cropScale: 0.5, steps: 160 },
} as const;

const thumbnails = {
  imageSize: 32,
  batchSize: 128,
  cropScale: 0.4,
  rootsEvery: 10,
  learningRates: { shampoo: 0.02, soap: 0.03, 'kl-shampoo': 0.02, muon: 0.02, adamw: 0.01, sgd: 0.1 },
  generated: { imageSize: 32, batchSize: 64, cropScale: 0.5, steps: 300 },
} as const;

const large = (name: string, block: ResNetShape['block'], blocks: readonly [number, number, number, number]): OurModelKind => ({
  ...pictures,
  create: (inputs) =>
    resnet(
      { name, stem: 'large', block, stages: [64, 128, 256, 512].map((width, i) => [width, blocks[i] as number] as const) },
      inputs,
    ),
});

const small = (name: string, blocks: number): OurModelKind => ({
  ...thumbnails,
  create: (inputs) =>
    resnet({ name, stem: 'small', block: basicBlock, stages: [16, 32, 64].map((width) => [width, blocks] as const) }, inputs),
});

/** Networks by name: a new one is a line here. */
export const models = {
  resnet18: large('resnet18', basicBlock, [2, 2, 2, 2]),
  resnet34: large('resnet34', basicBlock, [3, 4, 6, 3]),
  resnet50: large('resnet50', bottleneckBlock, [3, 4, 6, 3]),
  resnet101: large('resnet101', bottleneckBlock, [3, 4, 23, 3]),
  resnet20: small('resnet20', 3),
  resnet56: small('resnet56', 9),
  resnet110: small('resnet110', 18),
} as const satisfies Record<string, ModelKind>;

/** Names that `--model` takes. */
export type ModelName = keyof typeof models;
export const modelNames = Object.keys(models) as [ModelName, ...ModelName[]];
