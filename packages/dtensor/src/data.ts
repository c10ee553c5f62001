// The entry `@distributed-shampoo/dtensor/data`, apart because it needs @tensorflow/tfjs-data.
import { dispose, type TensorContainer } from '@tensorflow/tfjs-core';
import { type Dataset, generator } from '@tensorflow/tfjs-data';
import { type DeviceMesh, onlyAxis } from './mesh.ts';

/**
 * This rank's part of a data set: of every `size` elements in a row, the one whose place is this rank's. All ranks get equally many, so that each
 * step of one has its counterpart on the others; elements that don't fill a last round are left out.
 *
 * Every rank reads the whole data set and lets the others' elements go, so shard before what is dear: before `map`, `batch` and `prefetch`. Shuffle
 * before with a seed, the same on all ranks, or after.
 *
 * @param mesh of one axis; a mesh of one rank gets everything.
 * @throws {DTensorError} `bad-mesh` for a mesh of several axes.
 */
export function shardDataset<T extends TensorContainer>(dataset: Dataset<T>, mesh: DeviceMesh): Dataset<T> {
  const { size, coordinate } = onlyAxis(mesh);
  return generator(async function* () {
    const elements = await dataset.iterator();
    for (;;) {
      const round: T[] = [];
      while (round.length < size) {
        const { value, done } = await elements.next();
        if (done) return dispose(round);
        round.push(value);
      }
      const [mine] = round.splice(coordinate, 1) as [T];
      dispose(round);
      yield mine;
    }
  } as unknown as () => AsyncIterator<T>) as Dataset<T>;
}
