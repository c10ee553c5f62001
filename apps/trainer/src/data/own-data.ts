import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import type { Pixels } from './decode.ts';
import { DataError } from './errors.ts';
import { fromGray } from './gray.ts';
import type { Split } from './image-index.ts';
import type { Source } from './sources.ts';

const sourceOfImages = z.object({
  classes: z.array(z.string()).min(1),
  length: z.int().min(1),
  label: z.custom<(i: number) => number>((value) => typeof value === 'function', 'must be a function'),
  read: z.custom<(i: number) => OwnImage | Promise<OwnImage>>((value) => typeof value === 'function', 'must be a function'),
  name: z.custom<(i: number) => string>((value) => typeof value === 'function', 'must be a function').optional(),
});

/** An image of one's own: the bytes of a file that `decode` takes, or pixels, gray or RGB, a byte each. */
export type OwnImage = Uint8Array | (Pixels & { readonly channels?: 1 | 3 });

/**
 * What a module for `--data ./mine.mjs` exports by default: a function that opens one half of the data. It runs on every rank and in every loader's thread, and must give
 * the same images in the same order everywhere.
 *
 *     export default async ({ split }) => ({ classes, length, label: (i) => ..., read: async (i) => ..., name: (i) => ... })
 *
 * `label(i)` is a place in `classes`; `read(i)` gives an `OwnImage`; `name(i)` is for messages and may be left out. For a split that there is
 * not, it returns null.
 */
export type OwnData = (inputs: { readonly split: Split }) => OwnImages | null | Promise<OwnImages | null>;

/** Images that a module of the user's offers. */
export type OwnImages = z.input<typeof sourceOfImages>;

/** A module of the user's. */
export const ownData: Source = {
  summary: 'a module of your own, ./mine.mjs',
  recognises: ({ kind, path }) => kind === 'file' && /\.[cm]?[jt]s$/.test(path),
  async list(path, split) {
    const images = await open(path, split);
    const labels = Int32Array.from({ length: images.length }, (_, i) => {
      const label = images.label(i);
      if (Number.isInteger(label) && label >= 0 && label < images.classes.length) return label;
      throw new DataError(
        'bad-module',
        `${path}: label(${i}) is ${label}, expected a place in the ${images.classes.length} classes, from 0.`,
      );
    });
    const names = Array.from(labels, (_, i) => images.name?.(i) ?? String(i));
    return {
      source: 'module',
      path,
      split,
      classes: images.classes,
      names,
      labels,
      files: [],
      extents: new Float64Array(0),
      leftOut: [],
    };
  },
  reader({ path, split }) {
    let images: ReturnType<typeof open> | undefined;
    return {
      async read(i) {
        images ??= open(path, split);
        const image = await (await images).read(i);
        return image instanceof Uint8Array ? Buffer.from(image.buffer, image.byteOffset, image.length) : rgb(image);
      },
      close: async () => {},
    };
  },
};

async function open(path: string, split: Split): Promise<z.output<typeof sourceOfImages>> {
  const refuse = (what: string, cause?: unknown): never => {
    throw new DataError(
      'bad-module',
      `${path}: ${what}. Export default async ({ split }) => ({ classes, length, label(i), read(i) }).`,
      { cause },
    );
  };
  const module = await import(pathToFileURL(resolve(path)).href).catch((cause: Error) =>
    refuse(`cannot be loaded: ${cause.message}`, cause),
  );
  if (typeof module.default !== 'function') refuse('its default export is no function');
  const made: unknown = await (module.default as OwnData)({ split });
  if (made === null || made === undefined) throw new DataError('no-images', `${path}: it has no images for split "${split}".`);
  const checked = sourceOfImages.safeParse(made);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  return refuse(`what it returned for split "${split}": ${issue?.path.join('.')}: ${issue?.message}`);
}

function rgb({ data, width, height, channels = data.length === width * height ? 1 : 3 }: Exclude<OwnImage, Uint8Array>): Pixels {
  if (data.length !== width * height * channels)
    throw new Error(`its read() gave ${data.length} bytes for ${width} x ${height} pixels of ${channels} channels`);
  return channels === 3 ? { data, width, height } : fromGray(data, { width, height });
}
