import { z } from 'zod';
import { TrainerError } from './errors.ts';
import { modelNames, models } from './models/table.ts';
import { optimizerPresets } from './presets/optimizers.ts';

const path = z.string().min(1);
const optimizerNames = Object.keys(optimizerPresets) as [keyof typeof optimizerPresets, ...(keyof typeof optimizerPresets)[]];

/** Everything that a training run can be told, as the command line gives it. */
const table = z.strictObject({
  model: z.enum(modelNames).default('resnet50'),
  train: path.nullable().default(null),
  test: path.nullable().default(null),
  nprocPerNode: z.int().min(1).max(256).default(2),
  imageSize: z.int().min(8).max(4096).nullable().default(null),
  steps: z.int().min(1).nullable().default(null),
  epochs: z.number().gt(0).nullable().default(null),
  stopAtStep: z.int().min(1).nullable().default(null),
  batchSize: z.int().min(1).max(65536).nullable().default(null),
  optimizer: z.enum(optimizerNames).default('shampoo'),
  optimizerOptions: z.record(z.string(), z.unknown()).default({}),
  learningRate: z.number().min(0).nullable().default(null),
  weightDecay: z.number().min(0).nullable().default(null),
  warmupSteps: z.int().min(0).nullable().default(null),
  labelSmoothing: z.number().min(0).lt(1).default(0.1),
  cropScale: z.number().gt(0).lte(1).nullable().default(null),
  seed: z.int().min(0).max(0xffff_ffff).default(0),
  freezeBatchNorm: z.boolean().default(false),
  transport: z.enum(['auto', 'shared-memory']).default('auto'),
  masterPort: z.int().min(1).max(65535).nullable().default(null),
  output: path.nullable().default(null),
  summary: path.nullable().default(null),
});

/** Options of a run as they were given. */
export type TrainInput = z.input<typeof table>;

/** Options of a run, checked, with the defaults that depend on the model. Paths stay as they were given. */
export interface TrainConfig extends z.output<typeof table> {
  readonly imageSize: number;
  readonly batchSize: number;
  readonly cropScale: number;
  readonly learningRate: number;
}

/**
 * Checks options and fills in defaults.
 *
 * @throws {TrainerError} `misuse`: the option, what it was given, what it takes.
 */
export function parseConfig(input: unknown): TrainConfig {
  const result = table.safeParse(input);
  if (!result.success) {
    const [issue] = result.error.issues;
    const option = issue === undefined ? '' : optionName(issue.path);
    throw new TrainerError('misuse', `${option}: ${issue?.message ?? 'is not valid'}. See --help.`, { path: issue?.path });
  }
  const config = result.data;
  if (config.steps !== null && config.epochs !== null)
    throw new TrainerError('misuse', '--steps and --epochs: give one of them, each says how long to train.');
  if (config.train === null && config.test !== null)
    throw new TrainerError(
      'misuse',
      '--test: without --train the generated images are used, for testing too. Give both, or neither.',
    );
  const kind = models[config.model];
  const recipe = config.train === null ? kind.generated : kind;
  return {
    ...config,
    imageSize: config.imageSize ?? recipe.imageSize,
    batchSize: config.batchSize ?? recipe.batchSize,
    cropScale: config.cropScale ?? recipe.cropScale,
    learningRate: config.learningRate ?? kind.learningRates[config.optimizer],
  };
}

/** `optimizerOptions.grafting` becomes `--optimizer.grafting`, `imageSize` becomes `--image-size`. */
function optionName([first, ...rest]: readonly PropertyKey[]): string {
  if (first === undefined) return 'options';
  const name = first === 'optimizerOptions' ? 'optimizer' : String(first);
  return `--${[name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`), ...rest.map(String)].join('.')}`;
}

/** Epochs where neither steps nor epochs were asked for: enough for a small data set to show something. */
const DEFAULT_EPOCHS = 10;

/** Steps of the plan. @param images number of training images. */
export function plannedSteps(
  { steps, epochs, batchSize, train, model }: TrainConfig,
  { images, ranks }: { readonly images: number; readonly ranks: number },
): number {
  if (steps !== null) return steps;
  if (epochs === null && train === null) return models[model].generated.steps;
  return Math.max(1, Math.round(((epochs ?? DEFAULT_EPOCHS) * images) / (batchSize * ranks)));
}
