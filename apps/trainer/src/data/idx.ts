import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Pixels } from './decode.ts';
import { DataError } from './errors.ts';
import type { Split } from './image-index.ts';
import type { Source } from './sources.ts';

const unzip = promisify(gunzip);

/** How MNIST and its kin name the files of images; a dot may stand in the place of the last dash. */
const imagesName = { train: /^train-images[-.]idx3-ubyte(\.gz)?$/, test: /^(t10k|test)-images[-.]idx3-ubyte(\.gz)?$/ } as const;

/** Whether a file's name is that of IDX images. */
export const isIdxName = (name: string): boolean => imagesName.train.test(name) || imagesName.test.test(name);

/**
 * IDX files, as MNIST, Fashion-MNIST and EMNIST come: a file of gray images and one of their labels, gzipped or not. A folder holds both training and test
 * images. The files are small and are held in memory.
 *
 * @see http://yann.lecun.com/exdb/mnist
 */
export const idx: Source = {
  summary: 'a folder of IDX files, such as MNIST',
  async list(path, split) {
    const images = (await stat(path)).isDirectory() ? await imagesFile(path, split) : path;
    const { count } = header(await contents(images), images);
    const labels = await labelsOf(images, count);
    const classes = Array.from({ length: labels.reduce((most, label) => Math.max(most, label), 0) + 1 }, (_, label) =>
      String(label),
    );
    const names = Array.from(labels, (_, i) => `${basename(images)}/${i}`);
    return { source: 'idx', path, split, classes, names, labels, files: [images], extents: new Float64Array(0), leftOut: [] };
  },
  reader({ files: [images = ''] }) {
    let file: Promise<Buffer> | undefined;
    return {
      async read(i) {
        file ??= contents(images);
        const bytes = await file;
        const { rows, columns } = header(bytes, images);
        return fromGray(bytes.subarray(16 + i * rows * columns, 16 + (i + 1) * rows * columns), { width: columns, height: rows });
      },
      async close() {
        file = undefined;
      },
    };
  },
};

async function imagesFile(folder: string, split: Split): Promise<string> {
  const name = (await readdir(folder)).find((one) => imagesName[split].test(one));
  if (name !== undefined) return join(folder, name);
  throw new DataError(
    'missing-path',
    `${folder}: expected ${split === 'train' ? 'train' : 't10k'}-images-idx3-ubyte beside what is there.`,
  );
}

async function contents(file: string): Promise<Buffer> {
  const bytes = await readFile(file);
  if (!file.endsWith('.gz')) return bytes;
  return unzip(bytes).catch((cause: Error) => {
    throw new DataError('damaged-file', `${file}: cannot be unzipped (${cause.message}). Download it again.`, { file, cause });
  });
}

/** Two zero bytes, 8 for unsigned bytes, the number of dimensions, then each in 4 bytes. */
function dimensionsOf(bytes: Buffer, file: string, order: number): number[] {
  const refuse = (what: string): never => {
    throw new DataError('damaged-file', `${file}: expected an IDX file of bytes in ${order} dimensions, ${what}.`, { file });
  };
  if (bytes.length < 4 + 4 * order || bytes.readUInt32BE(0) !== 0x0800 + order) refuse('its first bytes say otherwise');
  const dimensions = Array.from({ length: order }, (_, i) => bytes.readUInt32BE(4 + 4 * i));
  const wanted = 4 + 4 * order + dimensions.reduce((product, n) => product * n, 1);
  if (bytes.length !== wanted) refuse(`[${dimensions}], so ${wanted} bytes, got ${bytes.length}`);
  return dimensions;
}

function header(bytes: Buffer, file: string) {
  const [count = 0, rows = 0, columns = 0] = dimensionsOf(bytes, file, 3);
  return { count, rows, columns };
}

async function labelsOf(images: string, count: number): Promise<Int32Array> {
  const stem = basename(images).replace('-images', '-labels').replace('idx3', 'idx1').replace(/\.gz$/, '');
  const present = await readdir(dirname(images));
  const name = [stem, `${stem}.gz`].find((one) => present.includes(one));
  if (name === undefined)
    throw new DataError(
      'missing-path',
      `${join(dirname(images), stem)}: expected the labels of ${basename(images)}, but nothing is there.`,
    );
  const file = join(dirname(images), name);
  const bytes = await contents(file);
  const [labels = 0] = dimensionsOf(bytes, file, 1);
  if (labels !== count)
    throw new DataError(
      'damaged-file',
      `${file}: expected ${count} labels, as many as ${basename(images)} has images, got ${labels}.`,
      { file },
    );
  return Int32Array.from(bytes.subarray(8));
}

/** The same value for red, green and blue. */
function fromGray(gray: Uint8Array, extent: { readonly width: number; readonly height: number }): Pixels {
  const data = new Uint8Array(3 * gray.length);
  for (let i = 0; i < data.length; i++) data[i] = gray[Math.floor(i / 3)]!;
  return { data, ...extent };
}
