import { resolve } from 'node:path';
import { Option } from 'commander';
import { z } from 'zod';
import { BenchError } from '../errors.ts';
import { defaultMethods, type Method } from './methods.ts';

const path = z
  .string()
  .min(1)
  .transform((text) => resolve(text));

const schema = z.object({
  train: path,
  test: path,
  runs: path.default(() => resolve('runs/convergence')),
  methods: z
    .string()
    .transform((text) => text.split(','))
    .default([...defaultMethods]),
  model: z.string().default('resnet20'),
  steps: z.coerce.number().int().min(1).default(300),
  batchSize: z.coerce.number().int().min(1).default(256),
  evaluateEvery: z.coerce.number().int().min(1).default(25),
  seed: z.coerce.number().int().min(0).default(0),
  plot: path.optional(),
});

/** What is to be compared. */
export type ConvergenceOptions = z.output<typeof schema>;

/** The command line's options. */
export const convergenceOptions: readonly Option[] = [
  new Option('--train <path>', "CIFAR-10's training images: a tar, a folder, or its binary files").makeOptionMandatory(),
  new Option('--test <path>', 'its test images, likewise').makeOptionMandatory(),
  new Option('--runs <folder>', 'where finished runs are kept, and found again (default: runs/convergence)'),
  new Option('--methods <names>', `with commas between them (default: ${defaultMethods.join(',')})`),
  new Option('--model <name>', 'a network of the trainer (default: resnet20)'),
  new Option('--steps <n>', 'steps of a run (default: 300)'),
  new Option('--batch-size <n>', 'images of a step (default: 256)'),
  new Option('--evaluate-every <n>', 'steps between two tests (default: 25)'),
  new Option('--seed <n>', 'of initial values and order (default: 0)'),
  new Option('--plot <file>', 'where the plot goes (default: convergence.svg in the folder of the runs)'),
];

/** @throws {BenchError} `misuse` naming the option and its rule. @param table the methods that there are. */
export function parseConvergenceOptions(given: unknown, table: Readonly<Record<string, Method>>): ConvergenceOptions {
  const result = schema.safeParse(given);
  if (!result.success) {
    const [issue] = result.error.issues;
    const name = String(issue?.path[0]).replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new BenchError('misuse', `--${name}: ${issue?.message}.`);
  }
  const unknown = result.data.methods.find((name) => !Object.hasOwn(table, name));
  if (unknown !== undefined)
    throw new BenchError('misuse', `--methods: there is no "${unknown}". There are: ${Object.keys(table).join(', ')}.`);
  return result.data;
}
