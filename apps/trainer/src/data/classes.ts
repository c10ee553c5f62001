import { DataError } from './errors.ts';
import { extensionNames } from './image-format.ts';

/** The classes of a list of paths, and which file belongs to which. */
export interface Classes {
  /** Class names in code-unit order; the label of a class is its place here. */
  readonly names: readonly string[];
  /** Label of every file, in the order of the files; -1 for a file that lies in no class. */
  readonly labels: Int32Array;
}

/** The order of names everywhere: by code units, so that it does not depend on a machine's language. */
export const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const parentOf = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf('/')));

/**
 * Reads classes off paths, as ImageFolder does: the folders of one level are the classes, whatever lies below a folder belongs to it.
 *
 * The level is found by walking down from the top while there is exactly one folder and it holds folders but no image itself,
 * so `train/cat/1.jpg` and `cat/1.jpg` mean the same. A folder without an image is a class too: it keeps the labels of a
 * data set that was only partly copied.
 *
 * @param files   paths of the images, separated by `/`, relative to the data set.
 * @param folders paths of folders that exist; those that contain a file need not be named.
 * @param where   the data set as its owner knows it, for messages.
 * @throws {DataError} `no-classes`, `no-images`.
 */
export function classesOf(files: readonly string[], folders: Iterable<string>, where: string): Classes {
  const children = childFolders(files, folders);
  const holdsImages = new Set(files.map(parentOf));
  let top = '';
  for (;;) {
    const [only, ...others] = children.get(top) ?? [];
    if (only === undefined || others.length > 0 || holdsImages.has(only) || !children.has(only)) break;
    top = only;
  }
  const classFolders = [...(children.get(top) ?? [])].sort(byCodeUnits);
  if (classFolders.length === 0) {
    throw new DataError(
      'no-classes',
      `${where}: expected a folder of images for every class, such as cat/001.jpg, got ${files.length} images and no class folder.`,
    );
  }
  const below = top === '' ? 0 : top.length + 1;
  const names = classFolders.map((folder) => folder.slice(below));
  const labelOf = new Map(classFolders.map((folder, label) => [folder, label]));
  const labels = Int32Array.from(files, (file) => labelOf.get(file.slice(0, Math.max(0, file.indexOf('/', below)))) ?? -1);
  if (!labels.some((label) => label >= 0)) {
    throw new DataError(
      'no-images',
      `${where}: expected ${extensionNames} files in its class folders, found none in ${names.length} of them (${names[0]}, ...).`,
    );
  }
  return { names, labels };
}

/** The folders directly below each folder, from those named and those that contain a file. */
function childFolders(files: readonly string[], folders: Iterable<string>): Map<string, Set<string>> {
  const children = new Map<string, Set<string>>();
  const known = new Set(['']);
  const add = (folder: string) => {
    for (let at = folder; !known.has(at); at = parentOf(at)) {
      known.add(at);
      const siblings = children.get(parentOf(at));
      if (siblings) siblings.add(at);
      else children.set(parentOf(at), new Set([at]));
    }
  };
  for (const folder of folders) add(folder);
  for (const file of files) add(parentOf(file));
  return children;
}

/** A data set's name and its classes: as much as {@link checkSameClasses} needs. */
export interface Classified {
  readonly name: string;
  readonly classes: readonly string[];
}

/**
 * Refuses two data sets whose labels would mean different things.
 *
 * @throws {DataError} `classes-differ`; details carry `missing` and `unknown` class names of `test`, which are empty if only the order differs.
 */
export function checkSameClasses(train: Classified, test: Classified): void {
  const missing = train.classes.filter((name) => !test.classes.includes(name));
  const unknown = test.classes.filter((name) => !train.classes.includes(name));
  const moved = train.classes.findIndex((name, label) => name !== test.classes[label]);
  if (missing.length === 0 && unknown.length === 0 && moved < 0) return;
  const parts = [
    missing.length > 0 ? `lacks ${listed(missing)}` : '',
    unknown.length > 0 ? `has ${listed(unknown)}, which ${train.name} has not` : '',
    missing.length === 0 && unknown.length === 0
      ? `has them in another order: ${moved} is ${test.classes[moved]}, not ${train.classes[moved]}`
      : '',
  ].filter((part) => part !== '');
  throw new DataError(
    'classes-differ',
    `${test.name}: expected the ${train.classes.length} classes of ${train.name}, but it ${parts.join(' and ')}. Class folders and lists of classes must be the same in both.`,
    { missing, unknown },
  );
}

const listed = (names: readonly string[], shown = 5) =>
  names.slice(0, shown).join(', ') + (names.length > shown ? ` and ${names.length - shown} more` : '');
