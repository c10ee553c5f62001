import { spawn } from 'node:child_process';

/** How a command ended, and what it said. */
export interface Outcome {
  /** 0 to 255, or undefined when it could not be started or was ended by a signal. */
  readonly exitCode?: number;
  readonly output: string;
  /** The last line that it wrote to standard error, or why it could not be started. */
  readonly complaint: string;
}

/** How a command is run. */
export interface CommandOptions {
  readonly environment: NodeJS.ProcessEnv;
  readonly timeoutMs?: number;
  /** Lets the command draw on the terminal. */
  readonly inheritOutput?: boolean;
}

/** Runs a command without a shell and waits for its end. Never rejects: a command that isn't there is an outcome. */
export function run(
  command: readonly string[],
  { environment, timeoutMs, inheritOutput = false }: CommandOptions,
): Promise<Outcome> {
  const [file = '', ...parameters] = command;
  return new Promise((resolve) => {
    const child = spawn(file, parameters, {
      env: environment,
      stdio: ['ignore', inheritOutput ? 'inherit' : 'pipe', 'pipe'],
    });
    // spawn's own timer would go on, and keep this process up, after a program that could not be started.
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => child.kill(), timeoutMs);
    // A download that nobody waits for any more would go on for minutes.
    const abandon = () => child.kill();
    process.once('exit', abandon);
    const end = (outcome: Outcome) => {
      clearTimeout(timer);
      process.off('exit', abandon);
      resolve(outcome);
    };
    let output = '';
    let errors = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk;
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      errors += chunk;
      if (inheritOutput) process.stderr.write(chunk);
    });
    child.on('error', (error: NodeJS.ErrnoException) =>
      end({ output, complaint: error.code === 'ENOENT' ? `no ${file} on the path` : error.message }),
    );
    child.on('close', (code, signal) => {
      const lines = errors.split('\n').filter((line) => line.trim() !== '');
      const complaint =
        signal === null ? (lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? '') : `ended by ${signal}`;
      end({ output, complaint, ...(code === null ? {} : { exitCode: code }) });
    });
  });
}
