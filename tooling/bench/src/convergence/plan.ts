import { createHash } from 'node:crypto';
import { parseOptions } from '@distributed-shampoo/optimizer';
import { optimizerInput, parseConfig, type TrainConfig } from '@distributed-shampoo/trainer';
import type { Method } from './methods.ts';
import type { ConvergenceOptions } from './options.ts';

/** A training run that is to be done, or was. */
export interface PlannedRun {
  readonly method: string;
  readonly learningRate: number;
  readonly config: TrainConfig;
  /** All that a run's outcome follows from, as JSON: a kept run is used again where this is equal. */
  readonly settings: string;
  /** Name of its file: method, learning rate, and a hash of the settings. */
  readonly id: string;
}

/** What is to be run, and which methods cannot be. */
export interface ConvergencePlan {
  readonly runs: readonly PlannedRun[];
  readonly refused: readonly { readonly method: string; readonly reason: string }[];
}

/** Every method at each of its learning rates. Options are read here, so that a method which the optimizer refuses costs nothing. */
export async function planConvergence(
  options: ConvergenceOptions,
  table: Readonly<Record<string, Method>>,
): Promise<ConvergencePlan> {
  const runs: PlannedRun[] = [];
  const refused: { method: string; reason: string }[] = [];
  for (const name of options.methods) {
    const method = table[name] as Method;
    const configs = await Promise.all(method.learningRates.map((learningRate) => configOf(options, method, learningRate)));
    const inputs = configs.map((config) => optimizerInput(config, options.steps));
    try {
      for (const input of inputs) parseOptions(input);
    } catch (error) {
      refused.push({ method: name, reason: (error as Error).message });
      continue;
    }
    for (const [index, config] of configs.entries()) {
      const settings = JSON.stringify({ config, input: inputs[index] });
      const hash = createHash('sha256').update(settings).digest('hex').slice(0, 12);
      runs.push({
        method: name,
        learningRate: config.learningRate,
        config,
        settings,
        id: `${name}-${config.learningRate}-${hash}`,
      });
    }
  }
  return { runs, refused };
}

/**
 * One process, so that a step is one batch and batch norm sees all of it. Images are mirrored and nothing else, and labels are as they are: in one
 * or two epochs there is nothing to regularise.
 */
const configOf = (
  { train, test, model, steps, batchSize, evaluateEvery, seed }: ConvergenceOptions,
  { optimizer, options }: Method,
  learningRate: number,
): Promise<TrainConfig> =>
  parseConfig({
    train,
    test,
    model,
    steps,
    batchSize,
    evaluateEvery,
    seed,
    optimizer,
    optimizerOptions: options,
    learningRate,
    cropScale: 1,
    labelSmoothing: 0,
    nprocPerNode: 1,
  });
