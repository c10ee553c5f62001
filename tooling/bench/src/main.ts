import { Command } from 'commander';
import { benchEngine } from './engine.ts';
import { benchOptimizer } from './optimizer.ts';
import { benchResNet50 } from './resnet50.ts';
import { publish, type Row } from './row.ts';

/** Benches by name: a new one is a file and a line here. */
const benches: Readonly<Record<string, { readonly summary: string; readonly run: () => Promise<readonly Row[]> }>> = {
  engine: { summary: "this machine's matrix rates and memory bandwidth", run: benchEngine },
  optimizer: {
    summary: "Shampoo's step and refresh on ResNet-50's variables, beside sgemm and PyTorch (PEER_PYTHON)",
    run: benchOptimizer,
  },
  resnet50: {
    summary: 'ResNet-50 training, images a second, beside PyTorch (PEER_PYTHON names a Python that has it)',
    run: benchResNet50,
  },
};

const program = new Command('bench')
  .description('Measures this project, and its peers in the same run.')
  .argument(
    '<name>',
    Object.entries(benches)
      .map(([name, { summary }]) => `${name}: ${summary}`)
      .join('; '),
  )
  .option('--json <file>', 'writes the rows as JSON')
  .action(async (name: string, { json }: { json?: string }) => {
    const bench = benches[name];
    if (bench === undefined) {
      console.error(`bench: there is no "${name}". There are: ${Object.keys(benches).join(', ')}.`);
      process.exitCode = 2;
      return;
    }
    publish(await bench.run(), json);
  });

await program.parseAsync();
