import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { byCodeUnits } from './classes.ts';
import { DataError } from './errors.ts';

/** What says an image's class: a number or a name, and the name of the number where both are there. */
export interface ClassMark {
  readonly mark: string;
  readonly name: string | undefined;
}

/** A list; or names by number, or numbers by name. */
const inJson = z.union([
  z.array(z.string()),
  z
    .record(z.string(), z.string())
    .transform((names) => placed(Object.entries(names).map(([number, name]) => [name, Number(number)]))),
  z.record(z.string(), z.int()).transform((numbers) => placed(Object.entries(numbers))),
]);

function placed(entries: readonly (readonly [name: string, number: number])[]): string[] {
  const names = new Array<string>(entries.length).fill('');
  for (const [name, number] of entries) if (number in names) names[number] = name;
  return names;
}

/**
 * The names of a folder's numbered classes: `classes.txt`, one a line, or `classes.json`, a list or an object of names and numbers.
 *
 * @returns undefined where there is neither.
 * @throws {DataError} `no-classes` for one that gives no names from 0 on.
 */
export async function classList(folder: string): Promise<readonly string[] | undefined> {
  for (const [file, parse] of [
    ['classes.txt', linesOf],
    ['classes.json', namesInJson],
  ] as const) {
    const path = join(folder, file);
    const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return undefined;
      throw new DataError('no-classes', `${path}: cannot be read (${cause.message}).`, { cause });
    });
    if (text === undefined) continue;
    const names = parse(text);
    if (names.length > 0 && !names.includes('')) return distinct(names);
    throw new DataError(
      'no-classes',
      `${path}: expected the names of the classes from number 0 on: a line each in classes.txt, a list in classes.json.`,
    );
  }
  return undefined;
}

/** Two classes of one name, as ImageNet's two cranes, are told apart by their numbers. */
function distinct(names: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return names.map((name, number) => (counts.get(name) === 1 ? name : `${name} ${number}`));
}

const linesOf = (text: string): string[] =>
  text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');

function namesInJson(text: string): string[] {
  try {
    return inJson.safeParse(JSON.parse(text)).data ?? [];
  } catch {
    return [];
  }
}

const isNumber = (mark: string): boolean => /^\d+$/.test(mark);
/** More classes than any data set has; a larger number is something else. */
const mostClasses = 1_000_000;

/** Classes, and the place among them of every mark. */
export interface Marked {
  readonly classes: readonly string[];
  readonly labels: Int32Array;
}

/**
 * Classes of marks. A number is a place in the list, a name is one of the list. Without a list, numbers count from 0 to the largest, under the
 * names that stand beside them; names are in code-unit order.
 *
 * @param where  the data set, for messages; `nameOf(i)` names the image of a mark.
 * @throws {DataError} `no-classes` for a mark that fits none.
 */
export function classesOfMarks(
  marks: readonly ClassMark[],
  list: readonly string[] | undefined,
  { where, nameOf }: { readonly where: string; readonly nameOf: (i: number) => string },
): Marked {
  const refuse = (i: number, why: string): never => {
    throw new DataError('no-classes', `${where}: ${nameOf(i)} is of class "${marks[i]!.mark}", ${why}.`, {
      mark: marks[i]!.mark,
    });
  };
  const numbered = marks.every(({ mark }) => isNumber(mark));
  const classes =
    list ?? (numbered ? numberedClasses(marks, refuse) : [...new Set(marks.map(({ mark }) => mark))].sort(byCodeUnits));
  const byName = new Map(classes.map((name, label) => [name, label]));
  const byPlace = list !== undefined || numbered;
  const labels = Int32Array.from(marks, ({ mark }, i) => {
    const place = byPlace && isNumber(mark) && Number(mark) < classes.length ? Number(mark) : byName.get(mark);
    return place ?? refuse(i, `but the list of classes beside it has ${classes.length} names and not this one`);
  });
  return { classes, labels };
}

function numberedClasses(marks: readonly ClassMark[], refuse: (i: number, why: string) => never): string[] {
  const tooLarge = marks.findIndex(({ mark }) => Number(mark) >= mostClasses);
  if (tooLarge >= 0)
    refuse(tooLarge, 'which is too large a number for a class; if it is a name, list the names in a classes.txt beside');
  const largest = marks.reduce((most, { mark }) => Math.max(most, Number(mark)), 0);
  const names = new Array<string | undefined>(largest + 1).fill(undefined);
  for (const [i, { mark, name }] of marks.entries()) {
    const known = names[Number(mark)];
    if (name !== undefined && known !== undefined && known !== name) refuse(i, `named "${name}" here and "${known}" elsewhere`);
    names[Number(mark)] = known ?? name;
  }
  return distinct(names.map((name, number) => name ?? String(number)));
}
