import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { useBackend } from '@distributed-shampoo/tensor/node';
import { loadValues, readModel } from '../checkpoint/checkpoint.ts';
import type { EvaluateOptions } from '../command-line.ts';
import { checkSameClasses, createEvaluationLoader, nameImages, openDataset } from '../data/index.ts';
import { exitCode } from '../errors.ts';
import { evaluate as evaluateModel } from '../evaluate.ts';
import { absoluteModelName, findModel } from '../models/find-model.ts';
import { createDisplay } from '../telemetry/display.ts';
import { percent } from '../telemetry/lines.ts';

/** The command `evaluate`: a saved model on test images, in this process. @returns the exit code. */
export async function evaluate({ checkpoint, test, batchSize, summary, ...options }: EvaluateOptions): Promise<number> {
  const display = createDisplay();
  const saved = await readModel(resolve(checkpoint));
  const dataset = await openDataset(resolve(test), { split: 'test' });
  checkSameClasses({ name: saved.path, classes: saved.classes }, dataset);
  await useBackend();
  const { imageSize, normalisation, step } = saved;
  const kind = await findModel(absoluteModelName(options.model ?? saved.model));
  const model = await kind.create({ classes: saved.classes.length, seed: 0, imageSize });
  loadValues(model, saved);
  display.report({ type: 'note', text: `${saved.model} after ${step} steps, ${dataset.length} images at ${imageSize} pixels` });
  const loader = createEvaluationLoader(dataset, { imageSize, batchSize, normalisation });
  try {
    const onProgress = (images: number) => display.report({ type: 'evaluating', images, of: dataset.length });
    const evaluation = await evaluateModel({ model, loader, group: null, onProgress });
    const leftOut = [...dataset.leftOut, ...loader.unreadable];
    for (const text of nameImages(leftOut, ({ name, reason }) => `${name} was left out: ${reason}`))
      display.report({ type: 'warning', text });
    display.report({ type: 'evaluated', ...evaluation });
    console.log(`test accuracy ${percent(evaluation.top1)}`);
    if (summary !== undefined)
      await writeFile(summary, `${JSON.stringify({ model: saved.model, testTop1: evaluation.top1, ...evaluation }, null, 2)}\n`);
  } finally {
    await loader.close();
    await dataset.close();
  }
  return exitCode.done;
}
