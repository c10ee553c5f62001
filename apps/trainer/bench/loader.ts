import { openDataset } from '../src/data/index.ts';
import { columns, measure } from './measure.ts';

// What a training image costs: node --conditions=@distributed-shampoo/source --import tsx bench/loader.ts DATA SIZE...

const [path, ...sizes] = process.argv.slice(2);
if (path === undefined || sizes.length === 0) throw new Error('expected a data set and at least one image size');

const dataset = await openDataset(path);
for (const imageSize of sizes.map(Number)) {
  for (const kept of [false, true])
    console.log(`${imageSize} px, ${kept ? 'kept' : 'decoded'}: ${columns(await measure(dataset, { imageSize, kept }))}`);
}
await dataset.close();
