import type { UnreadableImage } from './batch.ts';
import type { ImageDataset } from './dataset.ts';
import { type Pixels, reduce } from './decode.ts';
import { decodeMany } from './decode-many.ts';
import { createPixelCache } from './pixel-cache.ts';

/** The decoded images of a data set, from memory where they are kept. */
export interface PixelSource {
  /** The pixels of some images, in the order of the indices; undefined for those that cannot be read. */
  pixelsOf(indices: readonly number[]): Promise<(Pixels | undefined)[]>;
  /** Images that turned out unreadable since the last call; each is named once and never tried again. */
  takeUnreadable(): UnreadableImage[];
  /** Whether every image of the data set was tried in vain. */
  noneReadable(): boolean;
}

/**
 * @param shortSide  to what larger images are reduced; see `decode`.
 * @param budgetBytes how much memory images are kept in.
 */
export function createPixelSource(
  dataset: ImageDataset,
  { shortSide, budgetBytes }: { shortSide: number; budgetBytes: number },
): PixelSource {
  const cache = createPixelCache(budgetBytes);
  const unreadable = new Set<number>();
  const reports: UnreadableImage[] = [];
  const reject = (index: number, { message }: Error) => {
    if (!unreadable.has(index)) reports.push({ name: dataset.nameOf(index), reason: message.split('\n', 1)[0]! });
    unreadable.add(index);
  };

  const decodeAll = async (indices: readonly number[]): Promise<Map<number, Pixels>> => {
    const present: number[] = [];
    const files: Buffer[] = [];
    const decoded = new Map<number, Pixels>();
    const keepDecoded = (index: number, image: Pixels) => {
      decoded.set(index, image);
      cache.put(index, image);
    };
    for (const [i, outcome] of (await Promise.allSettled(indices.map((index) => dataset.read(index)))).entries()) {
      if (outcome.status === 'rejected') {
        reject(indices[i]!, outcome.reason as Error);
        continue;
      }
      if (!Buffer.isBuffer(outcome.value)) {
        keepDecoded(indices[i]!, await reduce(outcome.value, shortSide));
        continue;
      }
      present.push(indices[i]!);
      files.push(outcome.value);
    }
    for (const [i, image] of (await decodeMany(files, shortSide)).entries()) {
      const index = present[i]!;
      if (image instanceof Error) {
        reject(index, image);
        continue;
      }
      keepDecoded(index, image);
    }
    return decoded;
  };

  return {
    async pixelsOf(indices) {
      const kept = indices.map((index) => cache.get(index));
      const missing = indices.filter((index, i) => !kept[i] && !unreadable.has(index));
      const decoded = await decodeAll([...new Set(missing)]);
      return indices.map((index, i) => kept[i] ?? decoded.get(index));
    },
    takeUnreadable: () => reports.splice(0),
    noneReadable: () => unreadable.size === dataset.length,
  };
}
