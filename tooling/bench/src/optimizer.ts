import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { factorStorages } from '@distributed-shampoo/preconditioner';
import { useBackend, useBlas } from '@distributed-shampoo/tensor/node';
import type { OptimizerRun } from './optimizer-run.ts';
import { type RootError, rootErrors } from './root-errors.ts';
import { atLeast, atMost, type Row, row, timeBeside } from './row.ts';
import type { SteadyRun } from './steady-run.ts';

const DIMS = [512, 1024, 2048] as const;
const SHARE_OF_SGEMM = 0.75;
const UNEVENNESS = 1.25;
/** The peer's time for the same, over ours. */
const REFRESH_RATIO = 1 / 0.9;

/** Shampoo's step and refresh on ResNet-50's variables, beside this machine's products and PyTorch; each configuration in a process of its own, peers in between. */
export async function benchOptimizer(): Promise<readonly Row[]> {
  const lanes = availableParallelism();
  const rows: Row[] = [];
  for (const dim of DIMS) {
    for (const vectors of ['vectors', 'matrices'] as const) {
      const run = measured<OptimizerRun>('optimizer-run', [String(dim), vectors, String(lanes)]);
      const peer = dim === 1024 ? peers(run, lanes) : null;
      rows.push(...rowsOf(`${dim}, ${vectors === 'vectors' ? 'vectors too' : 'vectors by Adam'}`, run, peer));
    }
  }
  const even = measured<SteadyRun>('steady-run', ['even', String(lanes)]);
  const flat = measured<SteadyRun>('steady-run', ['flat', String(lanes)]);
  return [
    ...rows,
    atMost(
      row(`slowest of ${even.steps} steps over the median, staggered, frequency 50`, even.slowest / even.median, 'x'),
      UNEVENNESS,
    ),
    row(`  the median step`, even.median, 's'),
    row(`growth of the process over ${flat.steps} steps of ResNet-20`, flat.grown / 1e6, 'MB'),
    atMost(row(`  tensors`, flat.tensors, 'tensors'), 0),
    ...(await storageRows(lanes)),
  ];
}

/** What each storage of factors costs and saves, one after the other, and what it does to roots. */
async function storageRows(lanes: number): Promise<readonly Row[]> {
  const rows = factorStorages.flatMap((storage) => {
    // Squares are what all other rows have.
    if (storage === 'square') return [];
    const { step, refresh, stateBytes, parameters } = measured<OptimizerRun>('optimizer-run', [
      '1024',
      'vectors',
      String(lanes),
      storage,
    ]);
    return [
      row(`step without refresh, 1024, factors ${storage}`, step, 's'),
      row(`  refresh, factors ${storage}`, refresh, 's'),
      row(`  optimizer state and scratch, factors ${storage}`, stateBytes / parameters, 'bytes a parameter'),
    ];
  });
  await useBackend({ backend: 'tensorflow' });
  await useBlas();
  const errorRow = ({ storage, gradients, beta2, error }: RootError) =>
    row(`roots of factors ${storage}, order 1024, beta2 ${beta2}, ${gradients} gradients`, error, 'off, relative');
  return [...rows, ...rootErrors(lanes).map(errorRow)];
}

function rowsOf(name: string, run: OptimizerRun, peer: Peers | null): Row[] {
  const share = run.flops / run.step / 1e9 / run.gigaflops;
  const step = row(`step without refresh, ${name}`, run.step, 's');
  const refresh = row(`refresh of ${run.factors.length} factors, ${name}`, run.refresh, 's');
  return [
    peer === null ? step : timeBeside(step, "PyTorch's AdamW", peer.adamw, null),
    ...(peer === null ? [] : [timeBeside(step, "PyTorch's SGD", peer.sgd, null)]),
    atLeast(
      row(
        `  its ${(run.flops / 1e9).toFixed(1)} GFLOP as a share of sgemm's ${run.gigaflops.toFixed(0)} GFLOPS`,
        share,
        'of the rate',
      ),
      name.startsWith('1024, vectors too') ? SHARE_OF_SGEMM : null,
    ),
    row(`  the arithmetic in it`, run.arithmetic, 's'),
    peer === null ? refresh : timeBeside(refresh, 'torch.linalg.eigh', peer.eigh, REFRESH_RATIO),
    row(`  optimizer state and scratch, ${name}`, run.stateBytes / run.parameters, 'bytes a parameter'),
    row(`  peak memory of the process, ${name}`, run.peakBytes / 1e9, 'GB'),
  ];
}

/** Runs a script of this bench in a process of its own. @throws Error with what it printed last, where it fails. */
function measured<Result>(script: string, args: readonly string[]): Result {
  const file = fileURLToPath(new URL(`./${script}.js`, import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', file, ...args], { encoding: 'utf8' });
  if (status !== 0)
    throw new Error(`bench optimizer: ${script} ${args.join(' ')} ended with ${status}: ${stderr.trim().split('\n').at(-1)}`);
  console.error(`  measured ${script} ${args.join(' ')}`);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

interface Peers {
  readonly version: string;
  readonly sgd: number;
  readonly adamw: number;
  readonly eigh: number;
}

/** PyTorch in the Python that `PEER_PYTHON` names; null where there is none. */
function peers({ factors, shapes }: OptimizerRun, threads: number): Peers | null {
  const program = process.env['PEER_PYTHON'];
  const script = fileURLToPath(new URL('../peers/optimizer.py', import.meta.url));
  const input = JSON.stringify({ shapes, factors });
  const run = program === undefined ? undefined : spawnSync(program, [script, String(threads)], { input, encoding: 'utf8' });
  if (run?.status === 0) return JSON.parse(run.stdout);
  console.error(
    `PyTorch is absent: ${run === undefined ? 'PEER_PYTHON names no Python that has it' : run.stderr.trim().split('\n').at(-1)}`,
  );
  return null;
}
