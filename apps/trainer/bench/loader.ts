import { createTrainingLoader, openDataset } from '../src/data/index.ts';

// What a training image costs: node --conditions=@distributed-shampoo/source --import tsx bench/loader.ts FOLDER-OR-TAR SIZE...
// Processor time over all threads, so that other jobs on the machine matter little.

const [path, ...sizes] = process.argv.slice(2);
if (path === undefined || sizes.length === 0) throw new Error('expected a data set and at least one image size');

const batchSize = 64;
const dataset = await openDataset(path);
const epoch = Math.ceil(dataset.length / batchSize);
const measured = Math.max(10, Math.min(200, epoch));
for (const imageSize of sizes.map(Number)) {
  for (const { what, pixelBudgetBytes, before } of [
    { what: 'decoded', pixelBudgetBytes: 0, before: 10 },
    { what: 'kept', pixelBudgetBytes: Number.MAX_SAFE_INTEGER, before: epoch + 10 },
  ]) {
    const loader = createTrainingLoader(dataset, { imageSize, batchSize, seed: 1, pixelBudgetBytes });
    const take = async (batches: number) => {
      for (let i = 0; i < batches; i++) loader.release(await loader.next());
    };
    await take(before);
    const start = { cpu: process.cpuUsage(), time: performance.now() };
    await take(measured);
    const { user, system } = process.cpuUsage(start.cpu);
    const images = measured * batchSize;
    const perSecond = (images / (performance.now() - start.time)) * 1000;
    console.log(
      `${imageSize} px, ${what}: ${((user + system) / 1000 / images).toFixed(3)} ms of a core an image, ${perSecond.toFixed(0)} images/s`,
    );
    await loader.close();
  }
}
await dataset.close();
