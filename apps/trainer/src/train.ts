import { availableParallelism } from 'node:os';
import { setImmediate as eventLoop } from 'node:timers/promises';
import { connect, type ProcessGroup } from '@distributed-shampoo/collectives';
import { deviceMesh, replicateVariables } from '@distributed-shampoo/dtensor';
import { DistributedShampoo } from '@distributed-shampoo/optimizer';
import { engineNames } from '@distributed-shampoo/tensor';
import { type Backend, useBackend, useBlas } from '@distributed-shampoo/tensor/node';
import { saveModel } from './checkpoint/checkpoint.ts';
import { plannedSteps } from './config.ts';
import { createTrainingLoader, type ImageDataset, imagenetNormalisation, nameImages, openDataset } from './data/index.ts';
import { TrainerError } from './errors.ts';
import type { Job } from './launch/messages.ts';
import { learningRateAt } from './learning-rate.ts';
import { mergeStatistics, withMergedStatistics } from './merge-statistics.ts';
import { findModel } from './models/find-model.ts';
import { type Model, namedVariables } from './models/model.ts';
import { hashesOfAllRanks } from './parameters-hash.ts';
import { optimizerInput } from './presets/optimizers.ts';
import type { Summary } from './summary.ts';
import type { EvaluatedStep, Reporter } from './telemetry/events.ts';
import { StepMeter } from './telemetry/step-meter.ts';
import { type Moment, testModel } from './test-model.ts';
import { backpropagate } from './train-step.ts';

/** What a rank has to do with the world outside its group. */
export interface RankHooks {
  /** Told by rank 0 alone. */
  readonly reporter: Reporter;
  readonly stopRequested: () => boolean;
  /** After each step, on every rank. */
  readonly onStep: (step: number) => void;
}

/** Everything of one rank's run. */
interface Run {
  readonly job: Job;
  readonly hooks: RankHooks;
  readonly group: ProcessGroup;
  readonly model: Model;
  readonly optimizer: DistributedShampoo;
  readonly train: ImageDataset;
  readonly steps: number;
}

/**
 * One rank of a training run, from start to checkpoint. Every rank calls it with the same job; they meet by the environment variables of
 * torchrun.
 *
 * @returns the summary, the same on every rank.
 */
export async function trainRank(job: Job, hooks: RankHooks): Promise<Summary> {
  const { config } = job;
  const group = await connect({ transport: config.transport });
  const report: Reporter = { report: (event) => group.rank === 0 && hooks.reporter.report(event) };
  const threads = Math.max(1, Math.floor(availableParallelism() / group.localSize));
  const backend = await useBackend({ threads });
  const warnings = [...backend.notes];
  await useBlas().catch((error: Error) => warnings.push(error.message));
  const train = await openDataset(job.train);
  const steps = plannedSteps(config, { images: train.length, ranks: group.size });
  const kind = await findModel(config.model);
  const model = await kind.create({ classes: train.classes.length, seed: config.seed, imageSize: config.imageSize });
  const mesh = deviceMesh(group);
  const optimizer = new DistributedShampoo(optimizerInput(config, steps), { mesh });
  optimizer.build(model.variables);
  replicateVariables(
    mesh,
    model.statistics.flatMap(({ mean, variance }) => [mean, variance]),
  );
  const { blocks } = optimizer.plan;
  const engine = engineNames()[0] as string;
  report.report({
    type: 'note',
    text: `${config.model} with ${count(model)} parameters in ${blocks.length} blocks; ${config.optimizer} on ${engine}, ${nameOf(backend)}; ${group.size} ranks with ${backend.threads} threads each; ${steps} steps of ${config.batchSize * group.size} images`,
  });
  const run: Run = { job, hooks: { ...hooks, reporter: report }, group, model, optimizer, train, steps };
  const { meter, stopped, done, unreadable, evaluations } = await trainSteps(run);
  warnings.push(...nameImages(train.leftOut, ({ name, reason }) => `${name} was left out: ${reason}`));
  warnings.push(
    ...nameImages(unreadable, ({ name, reason }) => `${name} could not be read (${reason}); another image took its place`),
  );
  mergeStatistics(group, model.statistics);
  optimizer.eval();
  const at = { step: done, seconds: meter.seconds };
  const tested = job.test === null ? null : await testModel({ path: job.test, at, config, group, model, reporter: report });
  for (const text of tested?.warnings ?? []) report.report({ type: 'warning', text });
  const parametersHash = hashesOfAllRanks(group, namedVariables(model));
  if (new Set(parametersHash).size > 1)
    throw new TrainerError('diverged', `ranks hold different parameters: ${parametersHash.join(', ')}.`, { parametersHash });
  const about = {
    model: config.model,
    classes: [...train.classes],
    imageSize: config.imageSize,
    normalisation: imagenetNormalisation,
    step: done,
  };
  const checkpoint = group.rank === 0 ? await saveModel(job.output, model, about) : job.output;
  await group.barrier();
  const summary: Summary = {
    model: config.model,
    ranks: group.size,
    steps: done,
    ...meter.totals(),
    testTop1: tested?.evaluation.top1 ?? null,
    evaluations: tested === null ? [] : [...evaluations, tested.evaluation],
    parametersHash,
    checkpoint,
    backend: nameOf(backend),
    engine,
    stopped,
    warnings,
  };
  report.report({ type: 'done', summary });
  await group.close();
  return summary;
}

interface Trained {
  readonly meter: StepMeter;
  readonly stopped: Summary['stopped'];
  /** Steps done. */
  readonly done: number;
  readonly unreadable: readonly { readonly name: string; readonly reason: string }[];
  /** On the way; the one at the end comes later. */
  readonly evaluations: readonly EvaluatedStep[];
}

/** The training loop. All ranks stop after the same step. */
async function trainSteps(run: Run): Promise<Trained> {
  const { job, hooks, group, model, optimizer, train, steps } = run;
  const { config } = job;
  const { batchSize, imageSize, seed, cropScale, labelSmoothing, freezeBatchNorm, evaluateEvery } = config;
  const { rank, size } = group;
  const loader = createTrainingLoader(train, { imageSize, batchSize, rank, size, seed, augmentation: { scale: [cropScale, 1] } });
  const schedule = { peak: config.learningRate, warmupSteps: config.warmupSteps ?? Math.ceil(0.05 * steps), steps };
  const inputs = {
    model,
    optimizer,
    batchNorm: freezeBatchNorm ? 'frozen' : 'train',
    labelSmoothing,
    betweenLayers: () => group.throwIfAborted(),
  } as const;
  const meter = new StepMeter();
  const last = Math.min(steps, config.stopAtStep ?? steps);
  let stopped: Summary['stopped'] = last < steps ? 'at --stop-at-step' : 'at the end';
  let done = 0;
  const evaluations: EvaluatedStep[] = [];
  try {
    let started = performance.now();
    while (done < last) {
      const batch = await loader.next();
      // Batches that wait already would keep this loop within one turn of the event loop, and the launcher's word would never be heard.
      await eventLoop();
      group.step = done + 1;
      optimizer.learningRate = learningRateAt(done, schedule);
      const { loss, correct } = backpropagate(batch, inputs);
      loader.release(batch);
      const report = optimizer.step();
      done += 1;
      const sums = Float64Array.of(loss * batchSize, correct, batchSize, hooks.stopRequested() ? 1 : 0);
      group.allReduceSync(sums);
      const [lossSum, hits, images, stops] = sums as unknown as [number, number, number, number];
      if (!Number.isFinite(lossSum))
        throw new TrainerError(
          'diverged',
          `the loss is ${lossSum} at step ${done}. Try a lower --learning-rate, or more --warmup-steps.`,
          { step: done },
        );
      const now = performance.now();
      meter.add({ loss: lossSum / images, images, seconds: (now - started) / 1000, optimizer: report });
      started = now;
      hooks.onStep(done);
      hooks.reporter.report({
        type: 'step',
        step: done,
        steps: last,
        loss: lossSum / images,
        accuracy: hits / images,
        learningRate: optimizer.learningRate,
        imagesPerSecond: meter.imagesPerSecond,
        secondsLeft: (last - done) * meter.secondsPerStep,
      });
      if (stops > 0) {
        stopped = 'by a signal';
        break;
      }
      if (evaluateEvery !== null && job.test !== null && done % evaluateEvery === 0 && done < last) {
        evaluations.push(await evaluateMidway(run, job.test, { step: done, seconds: meter.seconds }));
        started = performance.now();
      }
    }
    return { meter, stopped, done, unreadable: loader.unreadable, evaluations };
  } finally {
    await loader.close();
  }
}

/** An evaluation between two steps, which leaves no trace in training. */
async function evaluateMidway({ job, hooks, group, model, optimizer }: Run, path: string, at: Moment): Promise<EvaluatedStep> {
  optimizer.eval();
  const tested = await withMergedStatistics(group, model.statistics, () =>
    testModel({ path, at, config: job.config, group, model, reporter: hooks.reporter }),
  );
  optimizer.train();
  return tested.evaluation;
}

const nameOf = ({ name, version }: Backend): string => `${name} ${version}`.trim();

/** Parameters in millions, for people. */
const count = ({ variables }: Model): string => `${(variables.reduce((sum, { size }) => sum + size, 0) / 1e6).toFixed(1)} M`;
