import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { exitCode, TrainerError } from '../errors.ts';
import type { Reporter } from '../telemetry/events.ts';
import { freePort } from './free-port.ts';
import { configVariable, type FromRank, type Job, type ToRank } from './messages.ts';

/** After one rank failed, how long the others may take to notice and to end by themselves. */
const GRACE_MS = 3000;

/**
 * glibc's allocator gives large blocks back to the system at once and faults them in again at the next step; TensorFlow's kernels ran 10 %
 * faster when it keeps them.
 */
const allocatorEnvironment = {
  MALLOC_MMAP_THRESHOLD_: '4294967296',
  MALLOC_TRIM_THRESHOLD_: '8589934592',
  MALLOC_TOP_PAD_: '268435456',
};

interface Rank {
  readonly rank: number;
  readonly child: ChildProcess;
  /** Steps done. */
  step: number;
  ended: boolean;
}

/**
 * Starts the ranks of a job on this host and stays until all have ended.
 *
 * One that fails takes the others with it: they find it out themselves, and what has not ended after three seconds is killed. SIGINT and
 * SIGTERM ask all ranks to save and stop after the step they are at; a second one kills.
 *
 * @returns the exit code: 0, or 130 and 143 after a signal.
 * @throws {TrainerError} `rank-lost` with the first cause, `misuse` for a port that cannot be had.
 */
export async function launch(job: Job, reporter: Reporter): Promise<number> {
  const { nprocPerNode: size, masterPort } = job.config;
  const port = await freePort(masterPort);
  const shared = {
    ...allocatorEnvironment,
    ...process.env,
    WORLD_SIZE: String(size),
    LOCAL_WORLD_SIZE: String(size),
    MASTER_ADDR: '127.0.0.1',
    MASTER_PORT: String(port),
    COLLECTIVES_TOKEN: randomBytes(16).toString('hex'),
    [configVariable]: JSON.stringify(job),
  };
  const ranks = Array.from({ length: size }, (_, rank): Rank => {
    const env = { ...shared, RANK: String(rank), LOCAL_RANK: String(rank) };
    return { rank, child: startRank(env), step: 0, ended: false };
  });
  return supervise(ranks, reporter);
}

/** Starts a rank from its built file, or from its source where this file is source itself. */
function startRank(env: NodeJS.ProcessEnv): ChildProcess {
  const source = import.meta.url.endsWith('.ts');
  const entry = fileURLToPath(new URL(source ? './rank.ts' : './rank.js', import.meta.url));
  const execArgv = source ? ['--conditions=@distributed-shampoo/source', '--import', 'tsx'] : [];
  // Standard output stays free for what the command itself has to say.
  return fork(entry, [], { env, execArgv, stdio: ['ignore', 2, 2, 'ipc'] });
}

function supervise(ranks: readonly Rank[], reporter: Reporter): Promise<number> {
  return new Promise((resolve, reject) => {
    let failure: TrainerError | undefined;
    let signalled: number | undefined;
    let grace: NodeJS.Timeout | undefined;
    let killed = false;

    const tell = (message: ToRank) => {
      for (const { child, ended } of ranks) if (!ended && child.connected) child.send(message);
    };
    const kill = () => {
      killed = true;
      for (const { child, ended } of ranks) if (!ended) child.kill('SIGKILL');
    };
    const fail = (message: string, details: Readonly<Record<string, unknown>>) => {
      failure ??= new TrainerError(details['exitCode'] === exitCode.misuse ? 'misuse' : 'rank-lost', message, details);
      grace ??= setTimeout(kill, GRACE_MS);
    };
    const onSignal = (signal: NodeJS.Signals) => {
      if (signalled !== undefined) return kill();
      signalled = signal === 'SIGINT' ? exitCode.interrupted : exitCode.terminated;
      reporter.report({ type: 'note', text: `${signal}: stopping after this step, then saving. Once more to stop at once.` });
      tell({ type: 'stop' });
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);

    for (const one of ranks) {
      one.child.on('message', (message: FromRank) => {
        if (message.type === 'event') reporter.report(message.event);
        else if (message.type === 'at') one.step = message.step;
        else fail(`rank ${one.rank}: ${message.message}`, { rank: one.rank, exitCode: message.exitCode });
      });
      one.child.on('error', (error) => fail(`rank ${one.rank} could not be started: ${error.message}`, { rank: one.rank }));
      one.child.once('exit', (code, signal) => {
        one.ended = true;
        // A rank that a signal ended could not say so itself, and is the cause of what the others report.
        if (signal !== null && !killed && failure?.details['signal'] === undefined) {
          failure = new TrainerError('rank-lost', `rank ${one.rank} was killed by ${signal} after step ${one.step}.`, {
            rank: one.rank,
            signal,
          });
        }
        if (signal !== null || code !== 0)
          fail(`rank ${one.rank} ended with exit code ${code} after step ${one.step}.`, { rank: one.rank, exitCode: code });
        if (ranks.every(({ ended }) => ended)) {
          clearTimeout(grace);
          process.off('SIGINT', onSignal);
          process.off('SIGTERM', onSignal);
          if (failure === undefined) resolve(signalled ?? exitCode.done);
          else reject(failure);
        }
      });
    }
  });
}
