// Makes a fresh clone ready, then runs a job. Node.js and npm are all it needs: nothing is installed when it starts.
import { fileURLToPath } from 'node:url';
import { parseArguments } from './arguments.mjs';
import { SetupError } from './failure.mjs';
import { jobs } from './jobs.mjs';
import { requireNode } from './node-version.mjs';
import { run } from './run.mjs';
import { openStamps } from './stamps.mjs';
import { steps } from './steps.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** @returns the exit code of the job, or of the step that failed. */
async function main() {
  requireNode(root);
  const { job: name, rest } = parseArguments(process.argv.slice(2), Object.keys(jobs));
  const job = jobs[name];
  const stamps = openStamps(root);
  for (const step of job.needs) {
    const start = performance.now();
    const outcome = await steps[step]({ root, stamps });
    process.stderr.write(`setup: ${step}: ${outcome} (${((performance.now() - start) / 1000).toFixed(1)} s)\n`);
  }
  for (const command of job.commands({ root, rest })) {
    const exitCode = await run(command);
    if (exitCode !== 0) return exitCode;
  }
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`setup: ${error.message}\n`);
  process.exitCode = error.exitCode;
}
