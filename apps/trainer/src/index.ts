// The public entry: re-exports only. What a training loop or a bench of one's own needs of the trainer.

export { parseConfig, type TrainConfig, type TrainInput } from './config.ts';
export { type Batch, checkSameClasses, type OwnData, type OwnImage, type OwnImages, openDataset } from './data/index.ts';
export { exitCodeOf, lineOf } from './errors.ts';
export { isRank, type Nodes } from './launch/environment.ts';
export { type LaunchOptions, launch } from './launch/launch.ts';
export { launchJob } from './launch/launch-job.ts';
export type { Job } from './launch/messages.ts';
export { mergeStatistics, type RunningStatistics } from './merge-statistics.ts';
export type { ForwardMode, Model } from './models/model.ts';
export type { OwnModelInputs, OwnModelModule } from './models/own-model.ts';
export { type ModelName, modelNames, models } from './models/table.ts';
export { type OptimizerName, optimizerInput } from './presets/optimizers.ts';
export type { Summary } from './summary.ts';
export { createDisplay } from './telemetry/display.ts';
export type { EvaluatedStep, Reporter, TrainEvent } from './telemetry/events.ts';
export { backpropagate, type StepInputs, type StepResult } from './train-step.ts';
