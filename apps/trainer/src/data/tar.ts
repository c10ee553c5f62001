import { extentReader } from './file-reader.ts';
import { indexOfTree, isHidden, isImageName } from './image-index.ts';
import type { Source } from './sources.ts';
import { walkTar } from './walk-tar.ts';
import { indexOfSamples, isLabelName } from './webdataset.ts';

/** A tar archive: of a tree with a folder per class, or, where it holds labels beside its images, one WebDataset shard. */
export const tar: Source = {
  summary: 'a tar of such a tree',
  async list(path, split) {
    const entries = await walkTar(path, isLabelName);
    if (entries.some(({ name }) => isLabelName(name)))
      return indexOfSamples('tar', { path, split, shards: [{ file: path, entries }] });
    const images = entries.filter(({ name, isFolder }) => !isFolder && isImageName(name));
    const folders = entries.filter(({ name, isFolder }) => isFolder && !isHidden(name)).map(({ name }) => name);
    return indexOfTree('tar', path, { listing: { images, folders }, split });
  },
  reader: extentReader,
};
