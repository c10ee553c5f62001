#!/usr/bin/env node
import { CommanderError } from 'commander';
import { createProgram, splitDotted } from './command-line.ts';
import { doctor } from './commands/doctor.ts';
import { evaluate } from './commands/evaluate.ts';
import { train } from './commands/train.ts';
import { exitCode, exitCodeOf, lineOf } from './errors.ts';

/** Runs the command line. @returns the exit code; every failure is one line on standard error. */
async function main(args: readonly string[]): Promise<number> {
  let code: number = exitCode.done;
  try {
    const { rest, optimizerOptions } = splitDotted(args);
    const program = createProgram({
      train: async (options) => {
        code = await train({ ...options, optimizerOptions });
      },
      evaluate: async (options) => {
        code = await evaluate(options);
      },
      doctor: async () => {
        code = await doctor();
      },
    });
    await program.parseAsync([...rest], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help and version come this way too, with exit code 0 and already printed.
      if (error.exitCode === 0) return exitCode.done;
      // Commander writes its suggestions on a line of their own.
      const message = error.message
        .replace(/^error: /, '')
        .replace(/\s*\n\s*/g, ' ')
        .replace(/\.$/, '');
      console.error(`${message}. See --help.`);
      return exitCode.misuse;
    }
    console.error(lineOf(error));
    return exitCodeOf(error);
  }
}

process.exitCode = await main(process.argv.slice(2));
