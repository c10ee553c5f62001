import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

/** What to start. */
export interface RanksOptions {
  /** The program of every rank; TypeScript sources are run with tsx. */
  readonly script: URL;
  readonly size: number;
  /** How long all of it may take; then every rank is killed. */
  readonly limitMs: number;
  readonly args?: readonly string[];
  /** Variables of all ranks, beside those that make them a group. An undefined one is removed. */
  readonly environment?: NodeJS.ProcessEnv | ((rank: number) => NodeJS.ProcessEnv);
}

/** How one rank ended. */
export interface RankOutcome {
  readonly rank: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it told by `report`, in order. */
  readonly reports: readonly unknown[];
  /** What it printed. */
  readonly output: string;
}

/** Ranks that run. */
export interface RunningRanks {
  pid(rank: number): number;
  /** Waits for the report number `index` of a rank. @throws where the rank ends before. */
  reported(rank: number, index?: number): Promise<unknown>;
  signal(rank: number, signal: NodeJS.Signals): void;
  /** Waits for all to end. @throws where the limit was reached, with what the ranks printed. */
  outcomes(): Promise<RankOutcome[]>;
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** In a rank: tells its starter a value, as JSON. */
export function report(value: unknown): void {
  process.send?.(value);
}

/** Starts the ranks of a group as processes of this machine. None outlives `limitMs`, nor this process's own end. */
export async function startRanks(options: RanksOptions): Promise<RunningRanks> {
  const { size, limitMs } = options;
  const port = await freePort();
  const running = Array.from({ length: size }, (_, rank) => new RunningRank(start(rank, port, options), rank));
  const killAll = () => {
    for (const rank of running) rank.child.kill('SIGKILL');
  };
  let late = false;
  const limit = setTimeout(() => {
    late = true;
    killAll();
  }, limitMs);
  process.once('exit', killAll);
  const ended = Promise.all(running.map((rank) => rank.ended)).finally(() => {
    clearTimeout(limit);
    process.off('exit', killAll);
  });
  return {
    pid: (rank) => running[rank]!.child.pid!,
    signal: (rank, signal) => void running[rank]!.child.kill(signal),
    reported: (rank, index = 0) => running[rank]!.reported(index),
    async outcomes() {
      const outcomes = await ended;
      if (!late) return outcomes;
      const printed = outcomes.map(
        ({ rank, reports, output }) => `rank ${rank} reported ${JSON.stringify(reports)} and printed:\n${output}`,
      );
      throw new Error(`ranks were still running after ${limitMs} ms and were killed.\n${printed.join('\n')}`);
    },
  };
}

/**
 * Runs the ranks of a group to their end.
 *
 * @returns each rank's last report, in rank order.
 * @throws where one ends with anything but exit code 0, with what it printed.
 */
export async function runRanks(options: RanksOptions): Promise<unknown[]> {
  const outcomes = await (await startRanks(options)).outcomes();
  const failed = outcomes.find(({ code }) => code !== 0);
  if (failed === undefined) return outcomes.map(({ reports }) => reports.at(-1));
  throw new Error(`rank ${failed.rank} ended with ${failed.signal ?? `exit code ${failed.code}`}:\n${failed.output}`);
}

/** What makes a process one of several ranks, and nothing of what may be set around the starter. */
const groupEnvironment = (rank: number, size: number, port: number): NodeJS.ProcessEnv => ({
  RANK: String(rank),
  WORLD_SIZE: String(size),
  LOCAL_RANK: String(rank),
  LOCAL_WORLD_SIZE: String(size),
  MASTER_ADDR: '127.0.0.1',
  MASTER_PORT: String(port),
});

function start(rank: number, port: number, { script, size, args = [], environment = {} }: RanksOptions): ChildProcess {
  const own = typeof environment === 'function' ? environment(rank) : environment;
  const file = fileURLToPath(script);
  const flags = file.endsWith('.ts') ? ['--conditions=@distributed-shampoo/source', '--import', 'tsx'] : [];
  const env = { ...process.env, ...groupEnvironment(rank, size, port), ...own };
  for (const [name, value] of Object.entries(own)) if (value === undefined) delete env[name];
  return spawn(process.execPath, [...flags, file, ...args], { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
}

class RunningRank {
  readonly child: ChildProcess;
  readonly ended: Promise<RankOutcome>;
  readonly #reports: unknown[] = [];
  #output = '';
  #changed: () => void = () => {};
  #over = false;

  constructor(child: ChildProcess, rank: number) {
    this.child = child;
    child.on('message', (value) => {
      this.#reports.push(value);
      this.#changed();
    });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (this.#output += text));
    this.ended = new Promise((resolve) => {
      child.on('error', (error) => (this.#output += error.message));
      child.on('close', (code, signal) => {
        this.#over = true;
        this.#changed();
        resolve({ rank, code, signal, reports: this.#reports, output: this.#output });
      });
    });
  }

  async reported(index: number): Promise<unknown> {
    while (this.#reports.length <= index) {
      if (this.#over) throw new Error(`the rank ended before its report ${index}:\n${this.#output}`);
      await new Promise<void>((resolve) => {
        const before = this.#changed;
        this.#changed = () => {
          before();
          resolve();
        };
      });
    }
    return this.#reports[index];
  }
}
