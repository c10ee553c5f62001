import type { ProcessGroup } from '@distributed-shampoo/collectives';
import type { TrainConfig } from './config.ts';
import { createEvaluationLoader, nameImages, openDataset } from './data/index.ts';
import { evaluate } from './evaluate.ts';
import type { Model } from './models/model.ts';
import type { EvaluatedStep, Reporter } from './telemetry/events.ts';

/** How far a run is. */
export type Moment = Pick<EvaluatedStep, 'step' | 'seconds'>;

/** What a model is tested with. */
export interface TestInputs {
  /** Test images. */
  readonly path: string;
  readonly at: Moment;
  readonly config: Pick<TrainConfig, 'imageSize' | 'batchSize'>;
  readonly group: ProcessGroup;
  readonly model: Model;
  readonly reporter: Reporter;
}

/** A model that trains, tested as it is now: its parameters and its statistics must be those to evaluate. Collective. */
export async function testModel({
  path,
  at,
  config: { imageSize, batchSize },
  group,
  model,
  reporter,
}: TestInputs): Promise<{ readonly evaluation: EvaluatedStep; readonly warnings: readonly string[] }> {
  const test = await openDataset(path, { split: 'test' });
  const loader = createEvaluationLoader(test, { imageSize, batchSize, rank: group.rank, size: group.size });
  try {
    const onProgress = (own: number) =>
      reporter.report({ type: 'evaluating', images: Math.min(test.length, own * group.size), of: test.length });
    const { images, top1, loss } = await evaluate({ model, loader, group, onProgress });
    reporter.report({ type: 'evaluated', images, top1, loss });
    const left = [...test.leftOut, ...loader.unreadable];
    return {
      evaluation: { ...at, top1, loss },
      warnings: nameImages(left, ({ name, reason }) => `${name} was left out: ${reason}`),
    };
  } finally {
    await loader.close();
    await test.close();
  }
}
