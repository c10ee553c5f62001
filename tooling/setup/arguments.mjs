import { SetupError } from './failure.mjs';

const MISUSE = 2;

/**
 * `[--then JOB] [--] [the job's own arguments]`, as `npm run SCRIPT -- ...` appends them.
 *
 * @param {readonly string[]} given
 * @param {readonly string[]} jobs names that may follow `--then`.
 * @returns {{ job: string, rest: readonly string[] }} without `--then` the job is `setup`, which only sets up.
 * @throws {SetupError} exit code 2 for an unknown job, and for arguments that no job takes.
 */
export function parseArguments(given, jobs) {
  const [first, job = '', ...others] = given;
  if (first === undefined) return { job: 'setup', rest: [] };
  if (first !== '--then' || !jobs.includes(job)) {
    throw new SetupError(`got "${given.join(' ')}", expected --then and one of ${jobs.join(', ')}`, MISUSE);
  }
  return { job, rest: others[0] === '--' ? others.slice(1) : others };
}
