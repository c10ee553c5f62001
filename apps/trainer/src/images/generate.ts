import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { DataError } from '../data/errors.ts';
import { keyedRandom, purpose } from '../data/keyed-random.ts';
import { imageClasses } from './classes.ts';
import { paint } from './paint.ts';
import { composeScene } from './scene.ts';
import { makeWholeFolder } from './whole-folder.ts';

/** Which images are generated. */
export interface GenerationOptions {
  /** Where: `<folder>/train/<class>/000.jpg` and `<folder>/test/<class>/000.jpg`. */
  readonly folder: string;
  readonly trainPerClass?: number;
  readonly testPerClass?: number;
  /** Side of the square images in pixels. */
  readonly size?: number;
  /** Integer in [0, 2^32). */
  readonly seed?: number;
  /** Told how many images of how many are written. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Where the images are. */
export interface GeneratedImages {
  readonly train: string;
  readonly test: string;
  /** False if they were there already. */
  readonly isNew: boolean;
}

const manifestName = 'generated.json';
/** Counts up when the same options give other images. */
const version = 1;
/** So many files are encoded and written while the next are painted. */
const atOnce = 4;

/**
 * Makes sure that the project's own images are in a folder: the ten classes of `imageClasses`, as JPEG files. The same options give the same
 * images; training and testing images are drawn from different random streams. Nothing is done if they are there; a generation that was interrupted
 * leaves nothing that could be taken for a whole one; several processes may call it at once.
 *
 * @throws {DataError} `folder-in-use`: something else is in that folder.
 */
export async function generateImages(options: GenerationOptions): Promise<GeneratedImages> {
  const { folder, trainPerClass = 300, testPerClass = 60, size = 96, seed = 1, onProgress = () => {} } = options;
  const manifest = JSON.stringify({
    version,
    seed,
    size,
    trainPerClass,
    testPerClass,
    classes: imageClasses.map(({ name }) => name),
  });
  const places = { train: join(folder, 'train'), test: join(folder, 'test') };
  if (await isThere(folder, manifest)) return { ...places, isNew: false };
  const isNew = await makeWholeFolder(folder, async (partial) => {
    await writeImages(listImages(partial, { trainPerClass, testPerClass, seed }), size, onProgress);
    await writeFile(join(partial, manifestName), manifest);
    await removeOthers(folder, manifest);
  });
  if (!isNew && !(await isThere(folder, manifest))) throw inUse(folder);
  return { ...places, isNew };
}

/** One image that is to be: its class, its file, and the key of all chance in it. */
interface PlannedImage {
  readonly label: number;
  readonly file: string;
  readonly key: readonly number[];
}

function listImages(
  root: string,
  { trainPerClass, testPerClass, seed }: { trainPerClass: number; testPerClass: number; seed: number },
): PlannedImage[] {
  const splits = [
    { name: 'train', perClass: trainPerClass },
    { name: 'test', perClass: testPerClass },
  ];
  return splits.flatMap(({ name: split, perClass }, splitNumber) =>
    imageClasses.flatMap(({ name }, label) =>
      Array.from({ length: perClass }, (_, i) => ({
        label,
        file: join(root, split, name, `${String(i).padStart(3, '0')}.jpg`),
        key: [seed, purpose.drawing, splitNumber, label, i],
      })),
    ),
  );
}

async function writeImages(
  images: readonly PlannedImage[],
  size: number,
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  for (const folder of new Set(images.map(({ file }) => dirname(file)))) await mkdir(folder, { recursive: true });
  let next = 0;
  let done = 0;
  const writeSome = async () => {
    while (next < images.length) {
      const { label, file, key } = images[next++]!;
      const random = keyedRandom(...key);
      const picture = paint(composeScene(imageClasses[label]!, random), size, random);
      const quality = 70 + Math.floor(random() * 26);
      await writeFile(
        file,
        await sharp(picture, { raw: { width: size, height: size, channels: 3 } })
          .jpeg({ quality })
          .toBuffer(),
      );
      onProgress(++done, images.length);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, writeSome));
}

/** The manifest of a generated folder; undefined if there is none. */
const manifestOf = (folder: string) => readFile(join(folder, manifestName), 'utf8').catch(() => undefined);

/** @throws {DataError} `folder-in-use` if the folder holds what was not generated. */
async function isThere(folder: string, manifest: string): Promise<boolean> {
  const found = await manifestOf(folder);
  const entries =
    found === undefined
      ? await readdir(folder).catch((error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? [] : ['?']))
      : [];
  if (entries.length > 0) throw inUse(folder);
  return found === manifest;
}

/** Makes room by removing images of other options. What was not generated is kept, and then the new folder cannot take its place. */
async function removeOthers(folder: string, manifest: string): Promise<void> {
  const found = await manifestOf(folder);
  if (found !== undefined && found !== manifest) await rm(folder, { recursive: true });
}

const inUse = (folder: string) =>
  new DataError(
    'folder-in-use',
    `${folder}: expected an empty place or images generated before, found something else. Name another folder or move it away.`,
  );
