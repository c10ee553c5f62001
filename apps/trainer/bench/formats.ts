import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import sharp from 'sharp';
import { pack } from 'tar-stream';
import { decode, openDataset, type Pixels } from '../src/data/index.ts';
import { columns, measure } from './measure.ts';

// The same images in every format: node --conditions=@distributed-shampoo/source --import tsx bench/formats.ts DATA SIZE [IMAGES]
// DATA holds JPEG files; those of 32 x 32 pixels are also written as CIFAR's binary files.

const [path, size, most = '10000'] = process.argv.slice(2);
if (path === undefined || size === undefined) throw new Error('expected a data set of JPEG files and an image size');

interface Example {
  readonly name: string;
  readonly label: number;
  readonly jpeg: Buffer;
  readonly pixels: Pixels;
}

const source = await openDataset(path);
const count = Math.min(source.length, Number(most));
const examples: Example[] = [];
for (let i = 0; i < count; i++) {
  const at = Math.floor((i * source.length) / count);
  const jpeg = await source.read(at);
  if (!Buffer.isBuffer(jpeg)) throw new Error('expected files, got pixels');
  examples.push({ name: String(i).padStart(6, '0'), label: source.label(at), jpeg, pixels: await decode(jpeg, 4096) });
}
await source.close();

const folder = await mkdtemp(join(tmpdir(), 'shampoo-formats-'));
const encoded = async ({ pixels: { data, width, height } }: Example, format: 'png' | 'webp') =>
  sharp(data, { raw: { width, height, channels: 3 } })
    .toFormat(format, format === 'webp' ? { quality: 90 } : {})
    .toBuffer();

async function inFolder(name: string, file: (example: Example) => Promise<Buffer>): Promise<string> {
  for (const example of examples) {
    const below = join(folder, name, String(example.label));
    await mkdir(below, { recursive: true });
    await writeFile(join(below, `${example.name}.${name}`), await file(example));
  }
  return join(folder, name);
}

async function inShards(): Promise<string> {
  const shards = join(folder, 'shards');
  await mkdir(shards);
  for (let first = 0; first < count; first += 1000) {
    const archive = pack();
    for (const { name, label, jpeg } of examples.slice(first, first + 1000)) {
      archive.entry({ name: `${name}.jpg` }, jpeg);
      archive.entry({ name: `${name}.cls` }, String(label));
    }
    archive.finalize();
    await pipeline(archive, createWriteStream(join(shards, `shard-${String(first / 1000).padStart(6, '0')}.tar`)));
  }
  return shards;
}

async function inBinary(): Promise<string> {
  const records = examples.map(({ label, pixels: { data } }) => {
    const planes = [0, 1, 2].map((c) => data.filter((_, i) => i % 3 === c));
    return Buffer.concat([Buffer.from([label]), ...planes]);
  });
  await mkdir(join(folder, 'cifar'));
  await writeFile(join(folder, 'cifar', 'data_batch_1.bin'), Buffer.concat(records));
  return join(folder, 'cifar');
}

const isCifar = examples.every(({ label, pixels: { width, height } }) => width === 32 && height === 32 && label < 10);
try {
  const formats = {
    'JPEG folder': await inFolder('jpg', async ({ jpeg }) => jpeg),
    'PNG folder': await inFolder('png', (example) => encoded(example, 'png')),
    'WebP folder': await inFolder('webp', (example) => encoded(example, 'webp')),
    'WebDataset (JPEG)': await inShards(),
    ...(isCifar ? { 'CIFAR binary': await inBinary() } : {}),
  };
  for (const [name, place] of Object.entries(formats)) {
    const dataset = await openDataset(place);
    for (const kept of [false, true]) {
      const cost = await measure(dataset, { imageSize: Number(size), kept });
      console.log(`${name.padEnd(18)} ${kept ? 'kept   ' : 'decoded'} ${columns(cost)}`);
    }
    await dataset.close();
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
