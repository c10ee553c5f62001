#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { cacheFolder } from './cache.ts';
import { type CachedEngine, cachedEngines, clearEngines } from './cache-contents.ts';
import { searchBlas, searchTensorFlow } from './prepare.ts';
import type { Report } from './report.ts';
import { describeAttempts, type Search } from './search.ts';

const usage = `shampoo-engines: finds the native libraries that this project computes with, and fetches what is missing.

  shampoo-engines [--gpu] [--json] [--no-fetch]
  shampoo-engines list [--json]
  shampoo-engines clear [--json]

  --gpu       TensorFlow for NVIDIA GPUs with the CUDA libraries, several GB, as with SHAMPOO_BACKEND=tensorflow-gpu
  --json      the result as JSON on standard output
  --no-fetch  look only, download nothing
  list        what lies in the cache, and its size
  clear       removes that, and says what it came to

It looks at SHAMPOO_TENSORFLOW (a folder), SHAMPOO_OPENBLAS (a file), installed packages, Python's tensorflow and the cache
(SHAMPOO_CACHE, else distributed-shampoo in the user's cache folder), and downloads with Python's pip what is nowhere.
With SHAMPOO_BACKEND=wasm nothing is downloaded: TensorFlow.js's WebAssembly backend comes with its package.
Exit codes: 0 ready, 1 the TensorFlow that --gpu or SHAMPOO_BACKEND names is missing, 2 misuse.
`;

const say = (line: string) => process.stderr.write(`${line}\n`);

/** What the command line says, beside the command. */
interface Options {
  readonly gpu?: boolean;
  readonly json?: boolean;
  readonly 'no-fetch'?: boolean;
  readonly help?: boolean;
}

async function main(): Promise<number> {
  let options: Options;
  let command: string;
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        gpu: { type: 'boolean' },
        json: { type: 'boolean' },
        'no-fetch': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    options = values as Options;
    command = positionals.join(' ');
    if (!['', 'list', 'clear'].includes(command)) throw new Error(`there is no command "${command}"; try --help`);
  } catch (error) {
    say(`shampoo-engines: ${(error as Error).message}`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  return command === '' ? prepare(options) : contents(command, options);
}

/** The command without a name: looks for both engines, and fetches what is missing. */
async function prepare(options: Options): Promise<number> {
  const report: Report = { terminal: process.stderr.isTTY === true, progress: (line) => say(`  ${line}`) };
  const wanted = options.gpu ? 'tensorflow-gpu' : process.env['SHAMPOO_BACKEND'] || 'auto';
  const choice = { fetch: !options['no-fetch'] && wanted !== 'wasm', gpu: wanted === 'tensorflow-gpu', report };
  const tensorflow = await timed(
    choice.gpu ? 'TensorFlow for GPUs' : 'TensorFlow',
    () => searchTensorFlow(choice),
    ({ library }) => library,
  );
  const blas = await timed(
    'OpenBLAS',
    () => searchBlas(choice),
    ({ config, path }) => `${config}, ${path}`,
  );
  if (options.json) process.stdout.write(`${JSON.stringify({ tensorflow, blas })}\n`);
  if (blas.found === undefined && wanted !== 'wasm')
    say('  the preconditioner will run without OpenBLAS, far slower. Install one: apt-get install libopenblas0');
  if (tensorflow.found !== undefined) return 0;
  if (wanted === 'wasm') {
    say('  SHAMPOO_BACKEND=wasm: TensorFlow.js runs on WebAssembly, and needs no more');
    return 0;
  }
  const withoutPip = tensorflow.attempts.some(({ outcome }) => outcome.startsWith('no pip'));
  say(`  ${withoutPip ? 'Install pip (apt-get install python3-pip) and run' : 'Run'} this again,`);
  say('  or set SHAMPOO_TENSORFLOW to a folder with libtensorflow_cc.so.2 and libtensorflow_framework.so.2');
  if (wanted.startsWith('tensorflow')) return 1;
  say('  Until then WebAssembly serves, on one thread and several times slower: no ResNet-50, but a ResNet-20');
  return 0;
}

/** The commands `list` and `clear`. */
async function contents(command: string, { json }: Options): Promise<number> {
  const cache = cacheFolder(process.env);
  const clear = command === 'clear';
  const engines: readonly CachedEngine[] = await (clear ? clearEngines : cachedEngines)(process.env);
  if (json) process.stdout.write(`${JSON.stringify({ cache, [clear ? 'removed' : 'engines']: engines })}\n`);
  for (const { name, megabytes } of engines) say(`${clear ? 'removed ' : ''}${name}: ${megabytes} MB`);
  const total = engines.reduce((sum, { megabytes }) => sum + megabytes, 0);
  say(`${cache}: ${clear ? 'removed ' : ''}${total} MB`);
  return 0;
}

/** Runs one search and says in a line how it ended. */
async function timed<Thing>(
  name: string,
  look: () => Promise<Search<Thing>>,
  describe: (thing: Thing) => string,
): Promise<Search<Thing>> {
  const start = performance.now();
  const result = await look();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  if (result.found === undefined) say(`${name}: not found (${describeAttempts(result.attempts)})`);
  else say(`${name}: ${describe(result.found)} (${result.place}, ${seconds} s)`);
  return result;
}

// An exit, unlike a signal, lets temporary folders be removed.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));
process.exitCode = await main();
