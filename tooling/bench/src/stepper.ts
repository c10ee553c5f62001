import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A program that says `ready ...`, then answers each line with the seconds of a step. */
export interface Stepper {
  /** What it said of itself. */
  readonly about: string;
  step(): Promise<number>;
  end(): void;
}

export interface StepperCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** Starts a stepper and waits until it is ready. @throws Error with what it printed, where it ends before. */
export async function startStepper({ program, args, env = {} }: StepperCommand): Promise<Stepper> {
  const child: ChildProcess = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  let errors = '';
  const closed = new Promise((resolve) => child.once('close', resolve));
  child.stderr?.on('data', (text) => {
    errors += text;
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done === true) {
      await closed;
      throw new Error(`${program} ended: ${errors.trim().split('\n').at(-1) ?? ''}`);
    }
    return value;
  };
  child.once('error', (error) => {
    errors += error.message;
  });
  let about = await next();
  while (!about.startsWith('ready')) about = await next();
  return {
    about: about.slice('ready '.length),
    async step() {
      child.stdin?.write('\n');
      return Number(await next());
    },
    end: () => void child.kill(),
  };
}
