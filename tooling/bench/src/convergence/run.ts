import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createDisplay, launchJob, type Summary } from '@distributed-shampoo/trainer';
import { z } from 'zod';
import { BenchError } from '../errors.ts';
import type { PlannedRun } from './plan.ts';

const evaluation = z.object({ step: z.number(), seconds: z.number(), top1: z.number(), loss: z.number() });

const common = { method: z.string(), learningRate: z.number(), settings: z.string(), finished: z.string() };
const trained = z.object({
  ...common,
  outcome: z.literal('trained'),
  evaluations: z.array(evaluation).min(1),
  secondsPerStep: z.number(),
  backend: z.string(),
});
const diverged = z.object({ ...common, outcome: z.literal('diverged'), reason: z.string() });
const schema = z.discriminatedUnion('outcome', [trained, diverged]);

/** A test of a run on its way: seconds are those of training, `top1` is the share of the test images, 0 to 1. */
export type Evaluation = Readonly<z.output<typeof evaluation>>;

/** A run that came to its end. */
export type TrainedRun = Readonly<z.output<typeof trained>>;

/** A run that is over, as it is kept. */
export type FinishedRun = TrainedRun | Readonly<z.output<typeof diverged>>;

/**
 * A run of the folder; undefined where it has not been finished with these settings.
 *
 * @throws {BenchError} `misuse` for a file that is damaged, by name.
 */
export async function findRun(folder: string, { id, settings }: PlannedRun): Promise<FinishedRun | undefined> {
  const file = fileOf(folder, id);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    const run = schema.parse(JSON.parse(text));
    return run.settings === settings ? run : undefined;
  } catch {
    throw new BenchError('misuse', `${file} is no run that this bench kept. Delete it to have the run done again.`);
  }
}

/**
 * Trains in a process of its own, and keeps the outcome. A learning rate at which losses or gradients are no numbers any more is an outcome
 * too.
 *
 * @throws {BenchError} `stopped`; {TrainerError} where it failed for another reason. Nothing is kept then.
 */
export async function doRun(folder: string, { method, learningRate, config, settings, id }: PlannedRun): Promise<FinishedRun> {
  await mkdir(folder, { recursive: true });
  const outcome = await train({ config, train: config.train as string, test: config.test, output: join(folder, id) });
  const run: FinishedRun = { method, learningRate, settings, finished: new Date().toISOString(), ...outcome };
  const file = fileOf(folder, id);
  await writeFile(`${file}.part`, `${JSON.stringify(run, null, 2)}\n`);
  await rename(`${file}.part`, file);
  return run;
}

type Outcome<Run = FinishedRun> = Run extends unknown ? Omit<Run, keyof typeof common> : never;

async function train(job: Parameters<typeof launchJob>[0]): Promise<Outcome> {
  const display = createDisplay();
  let summary: Summary | undefined;
  try {
    await launchJob(job, {
      report(event) {
        if (event.type === 'done') summary = event.summary;
        display.report(event);
      },
    });
  } catch (error) {
    const reason = reasonOfDivergence(error);
    if (reason === null) throw error;
    return { outcome: 'diverged', reason };
  }
  if (summary?.stopped !== 'at the end')
    throw new BenchError('stopped', 'the run was stopped. Finished runs are kept; the same command goes on from there.');
  const { evaluations, secondsPerStep, backend } = summary;
  return { outcome: 'trained', evaluations: [...evaluations], secondsPerStep, backend };
}

const fileOf = (folder: string, id: string): string => join(folder, `${id}.json`);

/** Codes of a rank's error that say: this learning rate is too high. */
const divergence: ReadonlySet<unknown> = new Set(['diverged', 'not-finite']);

function reasonOfDivergence(error: unknown): string | null {
  const details = error instanceof Error && 'details' in error ? (error.details as { readonly code?: unknown }) : {};
  return divergence.has(details.code) ? (error as Error).message : null;
}
