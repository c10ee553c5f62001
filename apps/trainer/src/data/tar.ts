import { extentReader } from './file-reader.ts';
import { indexOfTree, isHidden, isImageName } from './image-index.ts';
import type { Source } from './sources.ts';
import { walkTar } from './walk-tar.ts';
import { hasLabelledImage, indexOfSamples, isLabel } from './webdataset.ts';

/** A tar archive: of a tree with a folder per class, or, where it holds labels beside its images, one WebDataset shard. */
export const tar: Source = {
  summary: 'a tar of such a tree',
  // A compressed one as well, so that its error says to unpack it.
  recognises: ({ kind, path, head }) =>
    kind === 'file' && (/\.(tar(\.\w+)?|tgz)$/i.test(path) || head.toString('latin1', 257, 262) === 'ustar'),
  async list(path, split) {
    const entries = await walkTar(path, isLabel);
    if (hasLabelledImage(entries)) return indexOfSamples('tar', { path, split, shards: [{ file: path, entries }] });
    const images = entries.filter(({ name, isFolder }) => !isFolder && isImageName(name));
    const folders = entries.filter(({ name, isFolder }) => isFolder && !isHidden(name)).map(({ name }) => name);
    return indexOfTree('tar', path, { listing: { images, folders }, split });
  },
  reader: extentReader,
};
