import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { byCodeUnits } from './classes.ts';
import type { Pixels } from './decode.ts';
import { DataError } from './errors.ts';
import { extentReader } from './file-reader.ts';
import type { Split } from './image-index.ts';
import type { Source } from './sources.ts';

const SIDE = 32;
const PLANE = SIDE * SIDE;
const IMAGE_BYTES = 3 * PLANE;

/** CIFAR-10 and CIFAR-100 as binary files: which files, where the class stands, and which file names the classes. */
const editions = [
  { train: /^data_batch_\d+\.bin$/, test: /^test_batch\.bin$/, labelBytes: 1, names: 'batches.meta.txt', classes: 10 },
  // The coarse class stands first, the fine one second.
  { train: /^train\.bin$/, test: /^test\.bin$/, labelBytes: 2, names: 'fine_label_names.txt', classes: 100 },
] as const;

/** Whether a file's name is one of CIFAR's. */
const isCifarName = (name: string): boolean => editions.some(({ train, test }) => train.test(name) || test.test(name));

/**
 * CIFAR's binary files: records of a class (two, coarse and fine, in CIFAR-100) and 32 x 32 bytes of red, green and blue each. A folder holds both
 * training and test images; a file is taken as it is.
 *
 * @see https://www.cs.toronto.edu/~kriz/cifar.html
 */
export const cifar: Source = {
  summary: 'a folder of CIFAR-10 or CIFAR-100 binary files',
  recognises: ({ kind, path, files }) => (kind === 'file' ? isCifarName(basename(path)) : files.some(isCifarName)),
  async list(path, split) {
    const files = (await stat(path)).isDirectory() ? await filesOf(path, split) : [path];
    const edition = editions.find(({ train, test }) => [train, test].some((names) => names.test(basename(files[0]!))))!;
    const recordBytes = edition.labelBytes + IMAGE_BYTES;
    const names: string[] = [];
    const labels: number[] = [];
    const extents: number[] = [];
    for (const [number, file] of files.entries()) {
      const bytes = await readFile(file);
      if (bytes.length === 0 || bytes.length % recordBytes !== 0)
        throw new DataError(
          'damaged-file',
          `${file}: expected records of ${recordBytes} bytes, got ${bytes.length} bytes. Download it again.`,
          { file },
        );
      for (let at = 0; at < bytes.length; at += recordBytes) {
        const label = bytes[at + edition.labelBytes - 1]!;
        if (label >= edition.classes)
          throw new DataError(
            'damaged-file',
            `${file}: record ${at / recordBytes} is of class ${label}, expected less than ${edition.classes}.`,
            { file },
          );
        names.push(`${basename(file)}/${at / recordBytes}`);
        labels.push(label);
        extents.push(number, at + edition.labelBytes, IMAGE_BYTES);
      }
    }
    const classes = await classNames(dirname(files[0]!), edition);
    return {
      source: 'cifar',
      path,
      split,
      classes,
      names,
      labels: Int32Array.from(labels),
      files,
      extents: Float64Array.from(extents),
      leftOut: [],
    };
  },
  reader(index) {
    const { read, close } = extentReader(index);
    return { read: async (i) => interleaved(await read(i)), close };
  },
};

async function filesOf(folder: string, split: Split): Promise<string[]> {
  const found = (await readdir(folder)).sort(byCodeUnits);
  for (const edition of editions) {
    const files = found.filter((name) => edition[split].test(name));
    if (files.length > 0) return files.map((name) => join(folder, name));
  }
  throw new DataError(
    'missing-path',
    `${folder}: expected ${split === 'train' ? 'data_batch_1.bin' : 'test_batch.bin'} of CIFAR beside what is there.`,
  );
}

async function classNames(folder: string, { names, classes }: (typeof editions)[number]): Promise<string[]> {
  const text = await readFile(join(folder, names), 'utf8').catch(() => '');
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  return lines.length === classes ? lines : Array.from({ length: classes }, (_, label) => String(label));
}

/** Planes of red, green and blue to pixels. */
function interleaved(planes: Uint8Array): Pixels {
  const data = new Uint8Array(IMAGE_BYTES);
  for (let i = 0; i < PLANE; i++) {
    data[3 * i] = planes[i]!;
    data[3 * i + 1] = planes[PLANE + i]!;
    data[3 * i + 2] = planes[2 * PLANE + i]!;
  }
  return { data, width: SIDE, height: SIDE };
}
