import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const cwd = fileURLToPath(new URL('..', import.meta.url));

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
}

/** A command that runs. */
export interface Running {
  readonly child: ChildProcess;
  /** What it printed on standard error so far. */
  errors(): string;
  /** Waits until it printed something. @throws where it ends before. */
  printed(text: string | RegExp): Promise<void>;
  readonly ended: Promise<Ended>;
}

/** Starts `shampoo-train` from source. */
export const startCommand = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Running => startModule(main, args, env);

/** Runs a module that may import this repository's packages from source. */
export const runModule = (file: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Ended> =>
  startModule(file, args, env).ended;

function startModule(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Running {
  const child = spawn(process.execPath, ['--conditions=@distributed-shampoo/source', '--import', 'tsx', file, ...args], {
    cwd,
    env: { ...process.env, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const started = performance.now();
  let stdout = '';
  let stderr = '';
  let over = false;
  const listeners = new Set<() => void>();
  const changed = () => {
    for (const listener of listeners) listener();
  };
  child.stdout.on('data', (text) => {
    stdout += text;
    changed();
  });
  child.stderr.on('data', (text) => {
    stderr += text;
    changed();
  });
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code) => {
      over = true;
      changed();
      resolve({ code, stdout, stderr, seconds: (performance.now() - started) / 1000 });
    });
  });
  return {
    child,
    errors: () => stderr,
    ended,
    printed: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = typeof text === 'string' ? stderr.includes(text) : text.test(stderr);
          if (!found && !over) return;
          listeners.delete(look);
          if (found) resolve();
          else reject(new Error(`ended without printing ${String(text)}:\n${stderr}`));
        };
        listeners.add(look);
        look();
      }),
  };
}

/** Runs `shampoo-train` from source to its end. */
export const runCommand = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> => startCommand(args, env).ended;

/** A folder that is gone when the callback has ended. */
export async function inTemporaryFolder<T>(run: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'shampoo-trainer-'));
  try {
    return await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Process ids of the ranks that a launcher started; it may have other children (tsx has a helper of its own). */
export function ranksOf(pid: number): readonly number[] {
  return childrenOf(pid).filter((child) => Number.isInteger(rankOf(child)));
}

function childrenOf(pid: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => {
      try {
        return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${candidate}/stat`, 'utf8'))?.[1]) === pid;
      } catch {
        // It ended between listing and reading.
        return false;
      }
    });
}

/** The rank that a process is, by its environment. */
export function rankOf(pid: number): number {
  const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  return Number(environment.find((entry) => entry.startsWith('RANK='))?.slice('RANK='.length));
}
