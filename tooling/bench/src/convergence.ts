import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkSameClasses, openDataset } from '@distributed-shampoo/trainer';
import { methods } from './convergence/methods.ts';
import { type ConvergenceOptions, parseConvergenceOptions } from './convergence/options.ts';
import { planConvergence } from './convergence/plan.ts';
import { plotConvergence } from './convergence/plot.ts';
import { chooseRates, convergenceRows } from './convergence/report.ts';
import { doRun, type FinishedRun, findRun } from './convergence/run.ts';
import { BenchError } from './errors.ts';
import type { Row } from './row.ts';

/** Once, before the first run: what is missing or does not fit is one line at once. */
async function checkImages({ train, test }: ConvergenceOptions): Promise<void> {
  const sets = [await openDataset(train), await openDataset(test, { split: 'test' })] as const;
  for (const set of sets) await set.close();
  checkSameClasses(...sets);
}

/**
 * How fast methods learn: CIFAR-10, ResNet-20, each method at its three learning rates, tested on the way. Every finished run is kept in a
 * folder, so that a bench that was stopped goes on where it was.
 *
 * @param given options as the command line has them. @param table the methods that there are.
 * @throws {BenchError} `misuse` for an option that cannot work; {DataError} for images that cannot be opened, or of other classes in the two halves.
 */
export async function benchConvergence(given: unknown, table = methods): Promise<readonly Row[]> {
  const options = parseConvergenceOptions(given, table);
  await checkImages(options);
  const { runs: planned, refused } = await planConvergence(options, table);
  for (const { method, reason } of refused) console.log(`${method} is absent, the optimizer refuses it: ${reason}`);
  if (planned.length === 0) throw new BenchError('misuse', '--methods: the optimizer refuses all of them; see above.');
  const runs: FinishedRun[] = [];
  for (const [index, run] of planned.entries()) {
    const known = await findRun(options.runs, run);
    const which = `run ${index + 1} of ${planned.length}, ${run.method} with learning rate ${run.learningRate}`;
    console.log(known === undefined ? `${which}: ${table[run.method]?.summary}` : `${which}: kept, finished ${known.finished}`);
    const finished = known ?? (await doRun(options.runs, run));
    if (finished.outcome === 'diverged') console.log(`${which} diverged: ${finished.reason}`);
    runs.push(finished);
  }
  const chosen = chooseRates(runs);
  const file = options.plot ?? join(options.runs, 'convergence.svg');
  if (chosen.size > 0) await writeFile(file, await plotConvergence(runs, chosen));
  console.log(
    `\nlearning rates chosen by the test accuracy itself; plot: ${chosen.size > 0 ? file : 'none, every run diverged'}\n`,
  );
  return convergenceRows(chosen);
}
