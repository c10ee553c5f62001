import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TrainerError } from '../errors.ts';
import { type Nodes, oneNode, rankEnvironments } from './environment.ts';
import { freePort } from './free-port.ts';
import { type RankProcess, type Supervision, supervise } from './supervise.ts';

/** Options of `launch`. */
export interface LaunchOptions extends Partial<Supervision> {
  /** Ranks on this host, each a process of its own. Default 2. */
  readonly nprocPerNode?: number;
  /** The hosts of the job, where it has several; each runs its own launcher. Default: this one alone. */
  readonly nodes?: Nodes;
  /** Port of node 0 at which ranks meet. Default: a free one; several hosts have to agree on one. */
  readonly masterPort?: number | null;
  /** Arguments of the program. */
  readonly args?: readonly string[];
  /** Arguments of Node.js. Default: those of this process. */
  readonly execArgv?: readonly string[];
  /** What ranks inherit. Default `process.env`. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Whether ranks print on standard output (the default), or all on standard error. */
  readonly stdout?: 'inherit' | 'stderr';
}

/**
 * Starts a program as the ranks of a group on this host, and stays until all have ended: what torchrun is for Python. Each gets `RANK`,
 * `WORLD_SIZE`, `LOCAL_RANK`, `LOCAL_WORLD_SIZE`, `MASTER_ADDR` and `MASTER_PORT`, by which `connect()` of `@distributed-shampoo/collectives` finds
 * the others. A program that launches itself asks `isRank()` which of the two it is.
 *
 * One rank that fails ends the job. The first SIGINT or SIGTERM is passed on, a second one kills.
 *
 * @param program path or file URL of a module.
 * @returns the exit code: 0, or 130 and 143 after a signal.
 * @throws {TrainerError} `rank-lost` with the first cause; `misuse` for a program that isn't there, a port in use, hosts without a token.
 */
export async function launch(program: string | URL, options: LaunchOptions = {}): Promise<number> {
  const { nodes = oneNode, nprocPerNode = 2, masterPort = null, args = [], execArgv = process.execArgv } = options;
  const file = fileOf(program);
  if (!existsSync(file)) throw new TrainerError('misuse', `launch: there is no program ${file}.`, { file });
  if (!(Number.isInteger(nprocPerNode) && nprocPerNode >= 1))
    throw new TrainerError('misuse', `launch: nprocPerNode is ${nprocPerNode}, expected a whole number of at least 1.`, {
      nprocPerNode,
    });
  const port = await meetingPort(nodes, masterPort);
  const ranks = rankEnvironments({ nprocPerNode, nodes, port }, options.environment ?? process.env).map((env): RankProcess => {
    const stdout = options.stdout === 'stderr' ? 2 : 1;
    return {
      rank: Number(env['RANK']),
      child: fork(file, [...args], { env, execArgv: [...execArgv], stdio: ['ignore', stdout, 2, 'ipc'] }),
    };
  });
  return supervise(ranks, {
    onMessage: options.onMessage ?? (() => undefined),
    stop: options.stop ?? ((child, signal) => void child.kill(signal)),
    onSignal: options.onSignal ?? (() => undefined),
    where: options.where ?? (() => ''),
  });
}

const fileOf = (program: string | URL): string =>
  String(program).startsWith('file:') ? fileURLToPath(program) : String(program);

/** On one host any free port will do; several know it beforehand, and only node 0 can see whether it is free. */
async function meetingPort(nodes: Nodes, wanted: number | null): Promise<number> {
  if (nodes.count === 1) return freePort(wanted);
  if (wanted === null)
    throw new TrainerError('misuse', `--master-port: ${nodes.count} hosts have to agree on one; give it on each of them.`);
  return nodes.index === 0 ? freePort(wanted, nodes.address) : wanted;
}
