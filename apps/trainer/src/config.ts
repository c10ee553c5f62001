import { transportNames } from '@distributed-shampoo/collectives';
import { z } from 'zod';
import { TrainerError } from './errors.ts';
import { type Nodes, oneNode } from './launch/environment.ts';
import { absoluteModelName, findModel } from './models/find-model.ts';
import { optimizerPresets } from './presets/optimizers.ts';

const path = z.string().min(1);
const optimizerNames = Object.keys(optimizerPresets) as [keyof typeof optimizerPresets, ...(keyof typeof optimizerPresets)[]];

/** Everything that a training run can be told, as the command line gives it. */
const table = z.strictObject({
  model: z.string().min(1).nullable().default(null),
  data: path.nullable().default(null),
  train: path.nullable().default(null),
  test: path.nullable().default(null),
  nprocPerNode: z.int().min(1).max(256).default(2),
  nnodes: z.int().min(1).max(4096).default(1),
  nodeRank: z.int().min(0).default(0),
  masterAddr: z.string().min(1).default(oneNode.address),
  imageSize: z.int().min(8).max(4096).nullable().default(null),
  steps: z.int().min(1).nullable().default(null),
  epochs: z.number().gt(0).nullable().default(null),
  stopAtStep: z.int().min(1).nullable().default(null),
  evaluateEvery: z.int().min(1).nullable().default(null),
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
  transport: z.enum(['auto', ...transportNames]).default('auto'),
  masterPort: z.int().min(1).max(65535).nullable().default(null),
  output: path.nullable().default(null),
  summary: path.nullable().default(null),
});

/** Options of a run as they were given. */
export type TrainInput = z.input<typeof table>;

/** Options of a run, checked, with the defaults that depend on the model. Paths of images stay as they were given. */
export interface TrainConfig extends Omit<z.output<typeof table>, 'nnodes' | 'nodeRank' | 'masterAddr' | 'data'> {
  /** One of the table, or the absolute path of a module. */
  readonly model: string;
  readonly imageSize: number;
  readonly batchSize: number;
  readonly cropScale: number;
  readonly learningRate: number;
  /** Most steps between two roots of a block, from the model. */
  readonly rootsEvery: number;
  readonly nodes: Nodes;
}

/** What options are read against. */
export interface ConfigInputs {
  /** The network where none is named. Default `resnet50`. */
  readonly defaultModel?: string;
}

/**
 * Checks options and fills in defaults. Loads the model's module where it is the user's own.
 *
 * @throws {TrainerError} `misuse`: the option, what it was given, what it takes.
 */
export async function parseConfig(input: unknown, { defaultModel = 'resnet50' }: ConfigInputs = {}): Promise<TrainConfig> {
  const result = table.safeParse(input);
  if (!result.success) {
    const [issue] = result.error.issues;
    const option = issue === undefined ? '' : optionName(issue.path);
    throw new TrainerError('misuse', `${option}: ${issue?.message ?? 'is not valid'}. See --help.`, { path: issue?.path });
  }
  const { nnodes, nodeRank, masterAddr, data, ...config } = result.data;
  checkTogether(result.data);
  const model = absoluteModelName(config.model ?? defaultModel);
  const kind = await findModel(model);
  const train = config.train ?? data;
  const recipe = train === null ? kind.generated : kind;
  return {
    ...config,
    model,
    train,
    test: config.test ?? data,
    nodes: { count: nnodes, index: nodeRank, address: masterAddr },
    steps: config.steps ?? (train === null && config.epochs === null ? kind.generated.steps : null),
    imageSize: config.imageSize ?? recipe.imageSize,
    batchSize: config.batchSize ?? recipe.batchSize,
    cropScale: config.cropScale ?? recipe.cropScale,
    learningRate: config.learningRate ?? kind.learningRates[config.optimizer],
    rootsEvery: kind.rootsEvery,
  };
}

/** Options that contradict each other. */
function checkTogether({
  steps,
  epochs,
  evaluateEvery,
  train,
  test,
  data,
  nnodes,
  nodeRank,
  masterAddr,
}: z.output<typeof table>): void {
  const refuse = (sentence: string): never => {
    throw new TrainerError('misuse', sentence);
  };
  if (steps !== null && epochs !== null) refuse('--steps and --epochs: give one of them, each says how long to train.');
  if (data !== null && (train !== null || test !== null))
    refuse('--data: gives training and test images both; leave --train and --test out.');
  if (evaluateEvery !== null && train !== null && test === null)
    refuse('--evaluate-every: there are no test images. Give them by --test.');
  if (train === null && test !== null)
    refuse('--test: without --train the generated images are used, for testing too. Give both, or neither.');
  if (nodeRank >= nnodes) refuse(`--node-rank: ${nodeRank} of ${nnodes} hosts; they count from 0.`);
  if (nnodes > 1 && masterAddr === oneNode.address && nodeRank > 0)
    refuse('--master-addr: several hosts need an address of the first of them that the others can reach.');
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
  { steps, epochs, batchSize }: TrainConfig,
  { images, ranks }: { readonly images: number; readonly ranks: number },
): number {
  return steps ?? Math.max(1, Math.round(((epochs ?? DEFAULT_EPOCHS) * images) / (batchSize * ranks)));
}
