import { mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeSafetensors, encodeSafetensors, type NamedArray } from '@distributed-shampoo/dtensor';
import { tensor, tidy } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { TrainerError } from '../errors.ts';
import { type Model, namedVariables } from '../models/model.ts';

const triple = z.tuple([z.number(), z.number(), z.number()]).readonly();

/** What has to be known of a model to use it. */
const description = z.object({
  /** One of the table, or the path of the module that it came from. */
  model: z.string().min(1),
  classes: z.array(z.string()).min(1),
  imageSize: z.int().min(1),
  normalisation: z.object({ mean: triple, std: triple }),
  /** Steps trained. */
  step: z.int().min(0),
});

/** A model in words: what `saveModel` writes beside the tensors. */
export type ModelDescription = Readonly<z.output<typeof description>>;

/** A saved model, before its network is built. */
export interface SavedModel extends ModelDescription {
  readonly path: string;
  readonly tensors: Readonly<Record<string, NamedArray>>;
}

const FILE = 'model.safetensors';
const KEY = 'shampoo-train';

/**
 * Saves a model's variables and batch-norm statistics, with what is needed to use them, as `model.safetensors` in a folder. Written under
 * another name and renamed when whole.
 *
 * @returns the file's path.
 */
export async function saveModel(folder: string, model: Model, about: ModelDescription): Promise<string> {
  const tensors: Record<string, NamedArray> = {};
  for (const variable of namedVariables(model))
    tensors[variable.name] = { shape: variable.shape, data: variable.dataSync<'float32'>() };
  const path = join(folder, FILE);
  await mkdir(folder, { recursive: true });
  const temporary = `${path}.${process.pid}.part`;
  const file = await open(temporary, 'w');
  try {
    for (const part of encodeSafetensors({ tensors, metadata: { [KEY]: JSON.stringify(about) } })) await file.writeFile(part);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  return path;
}

/**
 * Reads a model that `saveModel` wrote. @param path the folder or the file.
 *
 * @throws {TrainerError} `bad-checkpoint`: missing, damaged, or not of this program.
 */
export async function readModel(path: string): Promise<SavedModel> {
  const found = await stat(path).catch(() => undefined);
  const file = found?.isDirectory() ? join(path, FILE) : path;
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new TrainerError(
      'bad-checkpoint',
      `--checkpoint: ${file} cannot be read (${error.code}). Give the folder that a training run named at its end.`,
      { file },
    );
  });
  try {
    const { tensors, metadata } = decodeSafetensors(bytes);
    return { ...description.parse(JSON.parse(metadata[KEY] ?? 'null')), path: file, tensors };
  } catch (error) {
    const reason =
      error instanceof z.ZodError || error instanceof SyntaxError
        ? 'it does not describe a model of this program'
        : (error as Error).message;
    throw new TrainerError('bad-checkpoint', `--checkpoint: ${file} is no model that shampoo-train saved: ${reason}.`, {
      file,
      cause: error,
    });
  }
}

/**
 * Gives a model the saved values.
 *
 * @throws {TrainerError} `bad-checkpoint` for an entry that is missing or has another shape, by name.
 */
export function loadValues(model: Model, { path, tensors }: Pick<SavedModel, 'path' | 'tensors'>): void {
  for (const variable of namedVariables(model)) {
    const saved = tensors[variable.name];
    if (saved === undefined || String(saved.shape) !== String(variable.shape)) {
      const what = saved === undefined ? 'no entry' : `shape [${saved.shape}] for`;
      throw new TrainerError(
        'bad-checkpoint',
        `--checkpoint: ${path} has ${what} "${variable.name}", expected shape [${variable.shape}].`,
        { name: variable.name },
      );
    }
    tidy(() => variable.assign(tensor(saved.data, variable.shape, 'float32')));
  }
}
