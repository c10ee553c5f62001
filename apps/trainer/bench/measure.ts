import { createTrainingLoader, type ImageDataset } from '../src/data/index.ts';

/** What training images cost. */
export interface Cost {
  /** Processor time over all threads for an image, so that other jobs on the machine matter little. */
  readonly coreMs: number;
  readonly imagesPerSecond: number;
}

const batchSize = 64;
/** Batches before the first that counts: threads start, code is compiled. */
const warmUp = 10;

/** @param kept whether images are measured that were decoded in an earlier epoch. */
export async function measure(
  dataset: ImageDataset,
  { imageSize, kept }: { readonly imageSize: number; readonly kept: boolean },
): Promise<Cost> {
  const epoch = Math.ceil(dataset.length / batchSize);
  const measured = Math.max(10, Math.min(200, epoch));
  const pixelBudgetBytes = kept ? Number.MAX_SAFE_INTEGER : 0;
  const loader = createTrainingLoader(dataset, { imageSize, batchSize, seed: 1, pixelBudgetBytes });
  const take = async (batches: number) => {
    for (let i = 0; i < batches; i++) loader.release(await loader.next());
  };
  await take(kept ? epoch + warmUp : warmUp);
  const start = { cpu: process.cpuUsage(), time: performance.now() };
  await take(measured);
  const { user, system } = process.cpuUsage(start.cpu);
  const images = measured * batchSize;
  const imagesPerSecond = (images / (performance.now() - start.time)) * 1000;
  await loader.close();
  return { coreMs: (user + system) / 1000 / images, imagesPerSecond };
}

/** The two numbers, in columns. */
export const columns = ({ coreMs, imagesPerSecond }: Cost): string =>
  `${coreMs.toFixed(3).padStart(7)} ms of a core an image, ${imagesPerSecond.toFixed(0).padStart(6)} images/s`;
