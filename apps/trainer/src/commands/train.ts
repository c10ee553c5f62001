import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseOptions } from '@distributed-shampoo/optimizer';
import { cacheFolder, whichBackend } from '@distributed-shampoo/tensor/node';
import { parseConfig, plannedSteps, type TrainConfig } from '../config.ts';
import { checkSameClasses, DataError, type ImageDataset, openDataset } from '../data/index.ts';
import { exitCode } from '../errors.ts';
import { generateImages } from '../images/index.ts';
import { isRank } from '../launch/environment.ts';
import { launchJob } from '../launch/launch-job.ts';
import type { Job } from '../launch/messages.ts';
import { optimizerInput } from '../presets/optimizers.ts';
import type { Summary } from '../summary.ts';
import { createDisplay } from '../telemetry/display.ts';
import type { Reporter } from '../telemetry/events.ts';
import { duration, percent } from '../telemetry/lines.ts';
import { trainRank } from '../train.ts';

/**
 * The command `train`: checks everything that can be checked before ranks start, starts them, and says what came of it. Under another
 * launcher (`RANK` and `WORLD_SIZE` are set, as by torchrun) this process is a rank itself.
 *
 * @returns the exit code.
 */
export async function train(options: Record<string, unknown>): Promise<number> {
  const backend = await whichBackend();
  const config = await parseConfig(options, backend === 'wasm' ? { defaultModel: 'resnet20' } : {});
  const started = performance.now();
  let summary: Summary | undefined;
  const display = createDisplay();
  const reporter: Reporter = {
    report(event) {
      if (event.type === 'done') summary = event.summary;
      display.report(event);
    },
  };
  if (backend === 'wasm') {
    const unnamed = options['model'] === undefined ? '; it is too slow for resnet50, so the network is resnet20' : '';
    reporter.report({ type: 'note', text: `the backend is wasm, one thread a rank${unnamed}` });
  }
  const job = await prepare(config, reporter);
  const code = await (isRank() ? runHere(job, reporter) : launchJob(job, reporter));
  if (summary !== undefined) await conclude(summary, config, { reporter, seconds: (performance.now() - started) / 1000 });
  return code;
}

async function runHere(job: Job, reporter: Reporter): Promise<number> {
  await trainRank(job, { reporter, stopRequested: () => false, onStep: () => undefined });
  return exitCode.done;
}

/** Finds or generates the images, and checks that both sets have the same classes. */
async function prepare(config: TrainConfig, reporter: Reporter): Promise<Job> {
  const images =
    config.train === null
      ? await generated(reporter)
      : { train: resolve(config.train), test: config.test === null ? null : resolve(config.test) };
  const trainSet = await openDataset(images.train);
  // Here, so that a wrong option is one line at once instead of one from a rank.
  parseOptions(
    optimizerInput(config, plannedSteps(config, { images: trainSet.length, ranks: config.nodes.count * config.nprocPerNode })),
  );
  reporter.report({
    type: 'note',
    text: `training images: ${trainSet.length} in ${trainSet.classes.length} classes, ${images.train}`,
  });
  const testSet = images.test === null ? null : await openTestSet(images.test, images.train);
  if (testSet === null) {
    reporter.report({ type: 'note', text: 'no test images' });
  } else {
    checkSameClasses(trainSet, testSet);
    reporter.report({ type: 'note', text: `test images: ${testSet.length}, ${images.test}${trained(trainSet, testSet)}` });
    await testSet.close();
  }
  await trainSet.close();
  return {
    config,
    train: images.train,
    test: testSet === null ? null : images.test,
    output: resolve(config.output ?? join('runs', `${timestamp()}-${config.model}`)),
  };
}

/** Warns of one path for both halves that does not tell them apart; a module of the user's may name its images alike in both. */
const trained = (train: ImageDataset, test: ImageDataset): string =>
  train.name === test.name && train.index.source !== 'module' && train.nameOf(0) === test.nameOf(0)
    ? '; these are the training images, nothing there tells halves apart'
    : '';

/** Test images; null where one path was given for both halves and has only the one. */
async function openTestSet(test: string, train: string): Promise<ImageDataset | null> {
  try {
    return await openDataset(test, { split: 'test' });
  } catch (error) {
    const absent = error instanceof DataError && (error.code === 'no-images' || error.code === 'missing-path');
    if (absent && test === train) return null;
    throw error;
  }
}

/** The project's own images, made once and kept in the cache. */
async function generated(reporter: Reporter): Promise<{ readonly train: string; readonly test: string }> {
  const folder = join(cacheFolder(process.env), 'images');
  let told = -1;
  const onProgress = (done: number, total: number) => {
    const tenth = Math.floor((10 * done) / total);
    if (tenth !== told) reporter.report({ type: 'note', text: `generating images: ${done}/${total}` });
    told = tenth;
  };
  return generateImages({ folder, onProgress });
}

const timestamp = () => new Date().toISOString().slice(0, 19).replaceAll(':', '-');

async function conclude(
  summary: Summary,
  config: TrainConfig,
  { reporter, seconds }: { readonly reporter: Reporter; readonly seconds: number },
): Promise<void> {
  for (const warning of summary.warnings) reporter.report({ type: 'warning', text: warning });
  if (config.summary !== null) await writeFile(config.summary, `${JSON.stringify(summary, null, 2)}\n`);
  const { secondsPerStep, optimizerShare, slowestStepSeconds, imagesPerSecond, parametersHash } = summary;
  const lines = [
    `trained ${summary.model} for ${summary.steps} steps on ${summary.ranks} ranks in ${duration(seconds)}, ${summary.stopped}`,
    `a step took ${secondsPerStep.toFixed(2)} s (slowest ${slowestStepSeconds.toFixed(2)} s), ${percent(optimizerShare)} of it the optimizer; ${imagesPerSecond.toFixed(1)} images/s`,
    ...(summary.testTop1 === null ? [] : [`test accuracy ${percent(summary.testTop1)}`]),
    `parameters equal on all ranks: ${parametersHash[0]?.slice(0, 16)}…`,
    `checkpoint: ${summary.checkpoint}`,
    ...(summary.testTop1 === null
      ? []
      : [`measure it again: shampoo-train evaluate --checkpoint ${summary.checkpoint} --test <images>`]),
  ];
  console.log(lines.join('\n'));
}
