import { existsSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { TrainerError } from '../errors.ts';
import { loadOwnModel } from './own-model.ts';
import { type ModelKind, modelNames, models } from './table.ts';

/** Whether `--model` names a module of the user's rather than a network of ours. */
const isModule = (name: string): boolean => /\.[cm]?[jt]s$/.test(name) || isAbsolute(name);

/** A model's name as ranks and checkpoints keep it: one of ours, or the absolute path of a module. */
export const absoluteModelName = (name: string): string => (isModule(name) ? resolve(name) : name);

/**
 * The network that `--model` names: one of the table, or a module of the user's, see `OwnModelModule`.
 *
 * @throws {TrainerError} `misuse` for an unknown name, a missing file, or a module that does not keep the contract.
 */
export async function findModel(name: string): Promise<ModelKind> {
  const known: Readonly<Record<string, ModelKind>> = models;
  if (Object.hasOwn(known, name)) return known[name] as ModelKind;
  if (!isModule(name))
    throw new TrainerError(
      'misuse',
      `--model: there is no "${name}". There are ${modelNames.join(', ')}, and modules of your own: --model ./mine.mjs.`,
      { name },
    );
  const file = resolve(name);
  if (!existsSync(file)) throw new TrainerError('misuse', `--model: there is no file ${file}.`, { file });
  return loadOwnModel(file);
}
