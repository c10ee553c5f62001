import type { Listing, Split } from './image-index.ts';

/** What people call the two halves of a data set; of several names the first that occurs. */
const wordsFor: Readonly<Record<Split, readonly string[]>> = {
  train: ['train', 'training'],
  test: ['test', 'testing', 'val', 'valid', 'validation', 'eval'],
};
const splits = ['train', 'test'] as const;

const has = (name: string, word: string): boolean =>
  name
    .toLowerCase()
    .split(/[^a-z]+/)
    .includes(word);

/** The word that a half goes by in some names. */
const wordIn = (names: readonly string[], split: Split): string | undefined =>
  wordsFor[split].find((word) => names.some((name) => has(name, word)));

/** Those file names that are a half's, where both halves occur in them (`train-000.tar`, `val-000.tar`); else all. */
export function namesOfHalf(names: readonly string[], split: Split): readonly string[] {
  if (splits.some((each) => wordIn(names, each) === undefined)) return names;
  const word = wordIn(names, split)!;
  return names.filter((name) => has(name, word));
}

/**
 * The half of a tree, where the first level that has more than one folder has nothing but folders named as halves, both of them
 * (`photos/train/cat/1.jpg`, `photos/val/cat/2.jpg`); else the tree as it is. Such folders are no classes.
 */
export function halfOfTree(listing: Listing, split: Split): Listing {
  const paths = [...listing.folders, ...listing.images.map(({ name }) => name.slice(0, Math.max(0, name.lastIndexOf('/'))))];
  for (let top = ''; ; ) {
    const folders = foldersBelow(paths, top);
    const known = folders.every((name) => splits.some((each) => wordsFor[each].includes(name.toLowerCase())));
    if (known && splits.every((each) => wordIn(folders, each) !== undefined)) {
      const word = wordIn(folders, split)!;
      const chosen = folders.find((name) => name.toLowerCase() === word)!;
      return below(listing, `${top}${chosen}/`);
    }
    if (folders.length !== 1) return listing;
    top += `${folders[0]}/`;
  }
}

function foldersBelow(paths: readonly string[], top: string): readonly string[] {
  const found = new Set<string>();
  for (const path of paths)
    if (path.startsWith(top) && path.length > top.length) found.add(path.slice(top.length).split('/', 1)[0]!);
  return [...found];
}

function below({ images, folders }: Listing, top: string): Listing {
  return {
    images: images.filter(({ name }) => name.startsWith(top)),
    folders: [...folders].filter((name) => `${name}/`.startsWith(top)),
  };
}
