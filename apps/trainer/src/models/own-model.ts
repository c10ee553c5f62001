import { pathToFileURL } from 'node:url';
import * as nn from '@distributed-shampoo/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { TrainerError } from '../errors.ts';
import { optimizerPresets } from '../presets/optimizers.ts';
import { fromLayersModel, isLayersModel, type LayersModel } from './layers-model.ts';
import type { Model } from './model.ts';
import type { ModelKind, SizedModelInputs } from './table.ts';

/**
 * What `create` of a model of one's own is given. Its file need not import anything, and so may lie anywhere: TensorFlow.js must be the one
 * that the trainer uses.
 */
export interface OwnModelInputs extends SizedModelInputs {
  /** `@tensorflow/tfjs-core`. */
  readonly tf: typeof tf;
  /** `@distributed-shampoo/tensor`: fused batch norm, convolution, cross entropy and the rest, with their gradients on every backend. */
  readonly nn: typeof nn;
}

const share = z.number().gt(0).lte(1);
const rates = z.strictObject(
  Object.fromEntries(Object.keys(optimizerPresets).map((name) => [name, z.number().min(0).optional()])),
) as z.ZodType<Partial<ModelKind['learningRates']>>;

const schema = z.strictObject({
  create: z.custom<(inputs: OwnModelInputs) => unknown>((value) => typeof value === 'function', 'must be a function'),
  imageSize: z.int().min(1).default(32),
  batchSize: z.int().min(1).default(32),
  cropScale: share.default(0.35),
  learningRates: rates.default({}),
  rootsEvery: z.int().min(1).default(50),
});

/**
 * The default export of a module for `--model ./mine.mjs`: `create` alone, or an object with how to train what it makes. `create` returns a `Model`,
 * or a `tf.LayersModel` whose outputs are logits; it may be async.
 */
export type OwnModelModule = OwnModelInput | OwnModelInput['create'];
type OwnModelInput = z.input<typeof schema>;

/** What most networks train with; `--learning-rate` beats it. */
const usualRates = {
  shampoo: 0.004,
  soap: 0.003,
  'kl-shampoo': 0.004,
  muon: 0.01,
  adamw: 0.003,
  sgd: 0.02,
} as const satisfies ModelKind['learningRates'];

/**
 * A model of the user's.
 *
 * @param file absolute path of a module whose default export is an `OwnModelModule`.
 * @throws {TrainerError} `misuse`: the module fails, or does not keep the contract; the sentence says where.
 */
export async function loadOwnModel(file: string): Promise<ModelKind> {
  const loaded = await import(pathToFileURL(file).href).catch((cause: Error) => {
    throw new TrainerError('misuse', `--model: ${file} cannot be loaded: ${cause.message}`, { file, cause });
  });
  const exported: unknown = loaded.default;
  const checked = schema.safeParse(typeof exported === 'function' ? { create: exported } : exported);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    const where =
      issue === undefined || issue.path.length === 0 ? 'its default export' : `default export, ${issue.path.join('.')}`;
    throw new TrainerError(
      'misuse',
      `--model: ${file}: ${where}: ${issue?.message}. Export default { create({ tf, nn, classes, seed, imageSize }) { return model } }.`,
      { file },
    );
  }
  const { create, learningRates, ...recipe } = checked.data;
  return {
    ...recipe,
    create: async (inputs) => checkModel(await create({ ...inputs, tf, nn }), file),
    learningRates: { ...usualRates, ...learningRates },
    generated: { ...recipe, steps: 160 },
  };
}

function checkModel(made: unknown, file: string): Model {
  if (isLayersModel(made)) return fromLayersModel(made as LayersModel);
  const model = made as Partial<Model> | null | undefined;
  const refuse = (what: string): never => {
    throw new TrainerError('misuse', `--model: ${file}: create() returned a model ${what}.`, { file });
  };
  if (typeof model?.forward !== 'function') return refuse('without forward(images, mode)');
  const { variables, statistics = [] } = model;
  if (!Array.isArray(variables) || variables.length === 0 || !variables.every((one) => one instanceof tf.Variable))
    return refuse('whose variables are no array of tf.Variable');
  const names = new Set(variables.map(({ name }) => name));
  if (names.size < variables.length) return refuse('with two variables of one name: give each a stable name of its own');
  const forward = model.forward.bind(model);
  return {
    name: model.name ?? file,
    variables,
    statistics,
    forward,
    dispose: model.dispose?.bind(model) ?? (() => tf.dispose([...variables])),
  };
}
