import { transportNames } from '@distributed-shampoo/collectives';
import { Command, Option } from 'commander';
import { TrainerError } from './errors.ts';
import { modelNames } from './models/table.ts';
import { optimizerPresets } from './presets/optimizers.ts';

/** What the command line does, by command. */
export interface Commands {
  readonly train: (options: Record<string, unknown>) => Promise<void>;
  readonly evaluate: (options: EvaluateOptions) => Promise<void>;
  readonly doctor: () => Promise<void>;
}

export interface EvaluateOptions {
  readonly checkpoint: string;
  readonly test: string;
  readonly batchSize: number;
  readonly summary?: string;
  readonly model?: string;
}

const integer = (text: string): number => {
  if (!/^-?\d+$/.test(text)) throw new TrainerError('misuse', `expected a whole number, got "${text}". See --help.`);
  return Number(text);
};
const real = (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value))
    throw new TrainerError('misuse', `expected a number, got "${text}". See --help.`);
  return value;
};

const presets = Object.entries(optimizerPresets).map(([name, { summary }]) => `${name} (${summary})`);

/** The program with its commands and options. Options of the optimizer, `--optimizer.NAME VALUE`, are taken out before: see `splitDotted`. */
export function createProgram(commands: Commands): Command {
  const program = new Command('shampoo-train')
    .description('Trains image classifiers data-parallel with Distributed Shampoo.')
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .showHelpAfterError(false);
  program
    .command('train')
    .description('trains a model on one host and saves it')
    .option(
      '--model <name>',
      `${modelNames.join(', ')}, or a module of your own, ./mine.mjs (default: resnet50; on wasm resnet20)`,
    )
    .option(
      '--train <path>',
      'training images: a folder with a folder per class, or a tar of one (default: ten generated classes)',
    )
    .option('--test <path>', 'test images, likewise')
    .option('--data <path>', 'both, where one path has both: a module of your own, ./mine.mjs, or a folder of CIFAR or IDX files')
    .option('--nproc-per-node <n>', 'ranks of this host, each a process of its own (default: 2)', integer)
    .option('--nnodes <n>', 'hosts; each runs this command with its own --node-rank (default: 1)', integer)
    .option('--node-rank <n>', 'which of the hosts this is, from 0', integer)
    .option('--master-addr <address>', 'an address of host 0 that the others can reach', String)
    .option('--image-size <pixels>', "side of the network's input (default: the model's)", integer)
    .option('--steps <n>', 'length of the run; schedules end there', integer)
    .option('--epochs <n>', 'the same in passes over the training images (default: 10)', real)
    .option('--stop-at-step <n>', 'save and end early, without shortening the plan', integer)
    .option('--evaluate-every <n>', 'test on the way too, after every so many steps (default: at the end alone)', integer)
    .option('--batch-size <n>', "images of a step, per rank (default: the model's)", integer)
    .addOption(new Option('--optimizer <name>', presets.join('; ')).choices(Object.keys(optimizerPresets)).default('shampoo'))
    .option('--optimizer.<option> <value>', 'any option of the optimizer, as JSON or text: --optimizer.maxPreconditionerDim 512')
    .option('--learning-rate <rate>', 'peak learning rate (default: what suits model and optimizer)', real)
    .option('--weight-decay <rate>', "weight decay (default: the optimizer's)", real)
    .option('--warmup-steps <n>', 'steps of linear warm-up (default: 5 % of the run)', integer)
    .option('--label-smoothing <share>', 'label smoothing (default: 0.1)', real)
    .option('--crop-scale <share>', "least share of an image's area in a random crop (default: the model's)", real)
    .option('--seed <n>', 'of initial values, order and augmentation (default: 0)', integer)
    .option('--freeze-batch-norm', 'normalise with the running statistics and leave them as they are')
    .addOption(
      new Option('--transport <name>', 'how ranks talk (default: shared memory on one host, else websocket)').choices([
        'auto',
        ...transportNames,
      ]),
    )
    .option(
      '--master-port <port>',
      'port at which ranks meet (default: a free one; several hosts need one that all know)',
      integer,
    )
    .option('--output <folder>', 'where the checkpoint goes (default: runs/<date>-<model>)')
    .option('--summary <file>', 'writes the result as JSON')
    .action((options: Record<string, unknown>) => commands.train(options));
  program
    .command('evaluate')
    .description('measures a saved model on test images')
    .requiredOption('--checkpoint <path>', 'the folder or file that a training run saved')
    .requiredOption('--test <path>', 'test images: a folder with a folder per class, or a tar of one')
    .option('--model <file>', 'the module of your own model, where it has moved since')
    .option('--batch-size <n>', 'images at a time', integer, 64)
    .option('--summary <file>', 'writes the result as JSON')
    .action((options: EvaluateOptions) => commands.evaluate(options));
  program
    .command('doctor')
    .description('says which engines were found, what was tried, and what to do')
    .action(() => commands.doctor());
  return program;
}

/** Takes `--optimizer.a.b VALUE` and `--optimizer.a.b=VALUE` out of the arguments and builds `{ a: { b: VALUE } }` from them. */
export function splitDotted(args: readonly string[]): {
  readonly rest: string[];
  readonly optimizerOptions: Record<string, unknown>;
} {
  const rest: string[] = [];
  const optimizerOptions: Record<string, unknown> = {};
  for (let i = 0; i < args.length; i++) {
    const [, dotted, inline] = /^--optimizer\.([\w.]+)(?:=(.*))?$/s.exec(args[i] as string) ?? [];
    if (dotted === undefined) {
      rest.push(args[i] as string);
      continue;
    }
    const text = inline ?? args[++i];
    if (text === undefined) throw new TrainerError('misuse', `--optimizer.${dotted}: needs a value.`);
    setDeep(optimizerOptions, dotted.split('.'), jsonOrText(text));
  }
  return { rest, optimizerOptions };
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function setDeep(target: Record<string, unknown>, [first, ...rest]: readonly string[], value: unknown): void {
  if (first === undefined) return;
  if (rest.length === 0) {
    target[first] = value;
    return;
  }
  const inner = target[first];
  const next = typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>) : {};
  target[first] = next;
  setDeep(next, rest, value);
}
