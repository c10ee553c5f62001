import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { freePort } from '@distributed-shampoo/collectives/testing';
import { type Row, rateBeside, row } from './row.ts';
import { type Stepper, startStepper } from './stepper.ts';

const BATCH = 16;
const SIZE = 224;
const ROUNDS = 5;
/** glibc keeps the blocks that TensorFlow frees, as in the trainer's ranks. */
const allocator = { MALLOC_MMAP_THRESHOLD_: '4294967296', MALLOC_TRIM_THRESHOLD_: '8589934592', MALLOC_TOP_PAD_: '268435456' };
const LEAST = 0.8;

/** Images a second of ResNet-50 training at 224 pixels, in one process and on two ranks, beside PyTorch; rounds interleave. */
export async function benchResNet50(): Promise<readonly Row[]> {
  const threads = availableParallelism();
  const half = Math.max(1, Math.floor(threads / 2));
  const ours = await startStepper(stepperOf([BATCH, SIZE, threads]));
  const ranks = await startRanks([BATCH / 2, SIZE, half]);
  const peer = await startPeer([BATCH, SIZE, threads]);
  console.log(
    `batch ${BATCH}, ${SIZE} pixels, ${threads} threads; ${ours.about}; ${peer?.about ?? 'PyTorch is absent: PEER_PYTHON names no Python that has it'}\n`,
  );
  try {
    const times = { alone: [] as number[], together: [] as number[], peer: [] as number[] };
    for (let round = 0; round < ROUNDS; round++) {
      times.alone.push(await ours.step());
      times.together.push(Math.max(...(await Promise.all(ranks.map((rank) => rank.step())))));
      if (peer !== null) times.peer.push(await peer.step());
    }
    const rate = (seconds: readonly number[]) => BATCH / median(seconds);
    const rows = [
      row(`one process, ${threads} threads`, rate(times.alone), 'images/s'),
      row(`two ranks, ${half} threads each`, rate(times.together), 'images/s'),
    ];
    return peer === null ? rows : rows.map((one) => rateBeside(one, 'PyTorch', rate(times.peer), LEAST));
  } finally {
    for (const stepper of [ours, ...ranks, ...(peer === null ? [] : [peer])]) stepper.end();
  }
}

const stepperOf = (args: readonly number[], env: NodeJS.ProcessEnv = {}) => ({
  program: process.execPath,
  args: [fileURLToPath(new URL('./resnet50-stepper.js', import.meta.url)), ...args.map(String)],
  env: { ...allocator, ...env },
});

async function startRanks(args: readonly number[]): Promise<readonly Stepper[]> {
  const shared = { WORLD_SIZE: '2', LOCAL_WORLD_SIZE: '2', MASTER_ADDR: '127.0.0.1', MASTER_PORT: String(await freePort()) };
  return Promise.all(
    [0, 1].map((rank) => startStepper(stepperOf(args, { ...shared, RANK: String(rank), LOCAL_RANK: String(rank) }))),
  );
}

/** PyTorch in the Python that `PEER_PYTHON` names; null where there is none. */
async function startPeer(args: readonly number[]): Promise<Stepper | null> {
  const program = process.env['PEER_PYTHON'];
  if (program === undefined) return null;
  const script = fileURLToPath(new URL('../peers/resnet50.py', import.meta.url));
  return startStepper({ program, args: [script, ...args.map(String)] }).catch((error: Error) => {
    console.log(`${error.message}`);
    return null;
  });
}

const median = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] as number;
