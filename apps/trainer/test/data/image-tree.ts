import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import sharp from 'sharp';
import { pack } from 'tar-stream';
import { onTestFinished } from 'vitest';
import type { ImageDataset } from '../../src/data/index.ts';

/** Files by path; a path that ends in `/` is an empty folder. */
export type Tree = Readonly<Record<string, Buffer>>;

/** A folder that is removed when the test is over. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'shampoo-data-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes a tree into a folder. @returns the folder. */
export async function writeTree(folder: string, tree: Tree): Promise<string> {
  for (const [path, content] of Object.entries(tree)) {
    await mkdir(path.endsWith('/') ? join(folder, path) : dirname(join(folder, path)), { recursive: true });
    if (!path.endsWith('/')) await writeFile(join(folder, path), content);
  }
  return folder;
}

/** Writes a tree as an archive. @returns the archive's path. */
export async function writeTar(file: string, tree: Tree): Promise<string> {
  const archive = pack();
  for (const [name, content] of Object.entries(tree)) {
    if (name.endsWith('/')) archive.entry({ name, type: 'directory' });
    else archive.entry({ name }, content);
  }
  archive.finalize();
  await pipeline(archive, createWriteStream(file));
  return file;
}

/** The file of an image, in a data set of files. */
export const fileOf = async (dataset: Pick<ImageDataset, 'read'>, i: number): Promise<Buffer> =>
  (await dataset.read(i)) as Buffer;

/** A picture of one colour. */
export function plainImage(colour: string, { width = 8, height = 8, format = 'png' as 'png' | 'jpeg' } = {}): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: colour } })
    .toFormat(format)
    .toBuffer();
}

/** A picture of smooth gradients, different for every seed: nothing in it is symmetric. */
export function gradientImage(seed: number, { width = 24, height = 20 } = {}): Promise<Buffer> {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 3;
      data[at] = (x * 255) / width;
      data[at + 1] = (y * 255) / height;
      data[at + 2] = (seed * 37) % 256;
    }
  }
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

/** `perClass` gradient images in each class folder, and something that is no image where `broken` names a path. */
export async function gradientTree(classes: readonly string[], perClass: number, broken: readonly string[] = []): Promise<Tree> {
  const tree: Record<string, Buffer> = {};
  for (const [label, name] of classes.entries()) {
    for (let i = 0; i < perClass; i++) {
      const path = `${name}/${String(i).padStart(3, '0')}.png`;
      tree[path] = broken.includes(path) ? Buffer.from('this is no image') : await gradientImage(label * perClass + i);
    }
  }
  return tree;
}
