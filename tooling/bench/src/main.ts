import { exitCodeOf, lineOf } from '@distributed-shampoo/trainer';
import { Command, type Option } from 'commander';
import { convergenceOptions } from './convergence/options.ts';
import { benchConvergence } from './convergence.ts';
import { benchEngine } from './engine.ts';
import { BenchError } from './errors.ts';
import { benchOptimizer } from './optimizer.ts';
import { benchResNet50 } from './resnet50.ts';
import { publish, type Row } from './row.ts';

interface Bench {
  readonly summary: string;
  readonly options?: readonly Option[];
  /** @param given values of its options. */
  readonly run: (given: Readonly<Record<string, unknown>>) => Promise<readonly Row[]>;
}

/** Benches by name: a new one is a file and a line here. */
const benches: Readonly<Record<string, Bench>> = {
  engine: { summary: "this machine's matrix rates and memory bandwidth", run: benchEngine },
  optimizer: {
    summary: "Shampoo's step and refresh on ResNet-50's variables, beside sgemm and PyTorch (PEER_PYTHON)",
    run: benchOptimizer,
  },
  resnet50: {
    summary: 'ResNet-50 training, images a second, beside PyTorch (PEER_PYTHON names a Python that has it)',
    run: benchResNet50,
  },
  convergence: {
    summary: 'accuracy of optimizers on CIFAR-10 against steps and seconds',
    options: convergenceOptions,
    run: benchConvergence,
  },
};

const MISUSE = 2;

const program = new Command('bench')
  .description('Measures this project, and its peers in the same run.')
  .showHelpAfterError(`There are: ${Object.keys(benches).join(', ')}; bench NAME --help says more.`)
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : MISUSE));
for (const [name, { summary, options = [], run }] of Object.entries(benches)) {
  const command = program.command(name).description(summary).option('--json <file>', 'writes the rows as JSON');
  for (const option of options) command.addOption(option);
  command.action(async ({ json, ...given }: { json?: string }) => publish(await run(given), json));
}

try {
  await program.parseAsync();
} catch (error) {
  const expected = error instanceof Error && 'code' in error;
  if (!expected) throw error;
  console.error(`bench: ${error instanceof BenchError ? error.message : lineOf(error)}`);
  process.exitCode = error instanceof BenchError ? error.exitCode : exitCodeOf(error);
}
