import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { classesOfMarks, classList } from './class-list.ts';
import { byCodeUnits } from './classes.ts';
import { DataError } from './errors.ts';
import { fromGray } from './gray.ts';
import type { Split } from './image-index.ts';
import type { Source } from './sources.ts';

const unzip = promisify(gunzip);

/** How MNIST and its kin name the files of images; a dot may stand in the place of the last dash. */
const imagesName = {
  train: /^(.*-)?train-images[-.]idx3-ubyte(\.gz)?$/,
  test: /^(.*-)?(t10k|test)-images[-.]idx3-ubyte(\.gz)?$/,
} as const;

/** Whether a file's name is that of IDX images. */
const isIdxName = (name: string): boolean => imagesName.train.test(name) || imagesName.test.test(name);

/** How IDX files of bytes begin, before the number of dimensions. */
const idxMagic = Buffer.from([0, 0, 8]);
const gzipMagic = Buffer.from([0x1f, 0x8b]);
const beginsWith = (bytes: Buffer, magic: Buffer): boolean => bytes.subarray(0, magic.length).equals(magic);

/**
 * IDX files, as MNIST, Fashion-MNIST and EMNIST come: a file of gray images and one of their labels, gzipped or not. A folder holds both training and test
 * images. Classes are numbers, or what `classes.txt` or `classes.json` beside calls them. The files are small and are held in memory.
 *
 * @see http://yann.lecun.com/exdb/mnist
 */
export const idx: Source = {
  summary: 'a folder of IDX files, such as MNIST',
  recognises: ({ kind, path, files, head }) =>
    kind === 'file' ? isIdxName(basename(path)) || beginsWith(head, idxMagic) : files.some(isIdxName),
  async list(path, split) {
    const images = (await stat(path)).isDirectory() ? await imagesFile(path, split) : path;
    const { count } = header(await contents(images), images);
    const marks = Array.from(await labelsOf(images, count), (label) => ({ mark: String(label), name: undefined }));
    const names = marks.map((_, i) => `${basename(images)}/${i}`);
    const marked = classesOfMarks(marks, await classList(dirname(images)), { where: path, nameOf: (i) => names[i]! });
    return { source: 'idx', path, split, ...marked, names, files: [images], extents: new Float64Array(0), leftOut: [] };
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
  const names = (await readdir(folder)).filter((one) => imagesName[split].test(one)).sort(byCodeUnits);
  const [name] = names;
  if (name === undefined)
    throw new DataError(
      'missing-path',
      `${folder}: expected ${split === 'train' ? 'train' : 't10k'}-images-idx3-ubyte beside what is there.`,
    );
  // A file and its gzipped form are one.
  if (new Set(names.map((one) => one.replace(/\.gz$/, ''))).size > 1)
    throw new DataError(
      'unknown-format',
      `${folder}: expected one file of images, found ${names.join(', ')}. Name one of them.`,
      {
        names,
      },
    );
  return join(folder, name);
}

/** The bytes of a file, unzipped where it is gzipped, whatever its name says. */
async function contents(file: string): Promise<Buffer> {
  const bytes = await readFile(file);
  if (!beginsWith(bytes, gzipMagic)) return bytes;
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
  if (dimensions.includes(0)) refuse(`got [${dimensions}], which is empty`);
  return dimensions;
}

function header(bytes: Buffer, file: string) {
  const [count = 0, rows = 0, columns = 0] = dimensionsOf(bytes, file, 3);
  return { count, rows, columns };
}

async function labelsOf(images: string, count: number): Promise<Uint8Array> {
  const stem = basename(images).replace('images', 'labels').replace('idx3', 'idx1').replace(/\.gz$/, '');
  const present = await readdir(dirname(images));
  const name = [stem, `${stem}.gz`].find((one) => present.includes(one) && one !== basename(images));
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
  return bytes.subarray(8);
}
