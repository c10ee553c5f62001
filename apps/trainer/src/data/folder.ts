import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { type ImageIndex, indexOfTree, isHidden, isImageName, type Listing } from './image-index.ts';
import type { Source } from './sources.ts';

/** A folder with a folder of images per class. */
export const folder: Source = {
  summary: 'a folder with a folder of images per class',
  recognises: ({ kind, folders }) => kind === 'folder' && folders.length > 0,
  list: async (path, split) => indexOfTree('folder', path, { listing: await listFolder(path), split }),
  reader: folderReader,
};

/** Lists images and folders of a tree. Symbolic links are followed, but for one that leads back to a folder it lies in. */
async function listFolder(root: string): Promise<Listing> {
  const images: { name: string }[] = [];
  const folders: string[] = [];
  const visit = async (below: string): Promise<void> => {
    const entries = await readdir(join(root, below), { withFileTypes: true });
    for (const entry of entries) {
      const name = below === '' ? entry.name : `${below}/${entry.name}`;
      if (isHidden(entry.name)) continue;
      const kind = entry.isSymbolicLink() ? await behindLink(join(root, name)) : entry;
      if (kind?.isDirectory()) {
        folders.push(name);
        await visit(name);
      } else if (kind?.isFile() && isImageName(entry.name)) {
        images.push({ name });
      }
    }
  };
  await visit('');
  return { images, folders };
}

/** What a link leads to; undefined if to nothing, or to a folder above itself (which would be walked for ever). */
async function behindLink(link: string) {
  try {
    const target = await realpath(link);
    const parent = await realpath(join(link, '..'));
    const leadsUp = `${parent}${sep}`.startsWith(target.endsWith(sep) ? target : `${target}${sep}`);
    return leadsUp ? undefined : await stat(target);
  } catch {
    return undefined;
  }
}

/** Reads images of a folder tree. */
function folderReader(index: ImageIndex) {
  const root = resolve(index.path);
  return {
    read: (i: number): Promise<Buffer> => readFile(join(root, index.names[i]!)),
    close: async (): Promise<void> => {},
  };
}
