import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { SetupError } from './failure.mjs';

/**
 * A program to run in the foreground.
 *
 * @typedef {object} Command
 * @property {readonly [string, ...string[]]} line program and arguments.
 * @property {string} cwd
 * @property {boolean} [quiet] keeps its standard output away from ours, which belongs to the job.
 */

/** Tools that would phone home, or advertise, don't. */
const environment = {
  ...process.env,
  NPM_CONFIG_UPDATE_NOTIFIER: 'false',
  TURBO_TELEMETRY_DISABLED: '1',
  TURBO_NO_UPDATE_NOTIFIER: '1',
};

const NOT_FOUND = 127;
/** Shells say 128 + n for a program that signal n ended. */
const SIGNALLED = 128;

/**
 * Runs a command on this terminal. A signal that ends us is passed on, and we wait for the command's own end, so that it can save its work;
 * a terminal sends its interrupt to both, so there it isn't passed on a second time.
 *
 * @param {Command} command
 * @returns {Promise<number>} its exit code; 128 + n when signal n ended it.
 * @throws {SetupError} exit code 127 when there is no such program.
 */
export function run({ line: [program, ...parameters], cwd, quiet = false }) {
  return new Promise((resolve, reject) => {
    // Windows starts npm's programs only by its shell.
    const shell = process.platform === 'win32';
    const child = spawn(program, parameters, {
      cwd,
      env: environment,
      shell,
      stdio: ['inherit', quiet ? process.stderr : 'inherit', 'inherit'],
    });
    const pass = (/** @type {NodeJS.Signals} */ signal) => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    };
    const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
    for (const signal of signals) process.on(signal, pass);
    const done = () => {
      for (const signal of signals) process.off(signal, pass);
    };
    child.on('error', (error) => {
      done();
      reject(new SetupError(missing(program, error), NOT_FOUND));
    });
    child.on('exit', (code, signal) => {
      done();
      resolve(code ?? SIGNALLED + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

/** @param {string} program @param {NodeJS.ErrnoException} error */
function missing(program, { code, message }) {
  if (code !== 'ENOENT') return `${program} can't be started: ${message}`;
  return program === 'npx'
    ? 'npx was not found. It comes with npm; install npm (for example: apt-get install npm)'
    : `${program} was not found`;
}
