import type { DTensor } from './dtensor.ts';
import { DTensorError } from './errors.ts';
import { type MeshAxis, onlyAxis } from './mesh.ts';
import { type Placement, shardRange } from './placement.ts';

/** The two forms of one redistribution. */
export interface Redistribute {
  readonly sync: () => void;
  readonly async: () => Promise<void>;
}

interface Move {
  readonly from: DTensor;
  readonly to: Placement;
  readonly local: Float32Array;
  readonly axis: MeshAxis;
}

type Way = (move: Move) => Redistribute;

/** Both forms out of one that needs no other rank. */
const alone = (run: () => void): Redistribute => ({
  sync: run,
  async: async () => run(),
});

const copy = (to: Float32Array, from: Float32Array): void => {
  if (to.buffer !== from.buffer || to.byteOffset !== from.byteOffset) to.set(from);
};

const whole: Way = ({ from, local }) => alone(() => copy(local, from.local));

const countsOf = (placement: Placement): readonly number[] => (placement.type === 'shard' ? placement.counts : []);
const opOf = (placement: Placement): 'sum' | 'mean' => (placement.type === 'partial' ? placement.op : 'sum');

/** The ways, by placement from and to. A sum over one rank is its own part, so a rank alone copies. */
const ways: Readonly<Record<string, Way>> = {
  'replicate to replicate': whole,
  'replicate to shard': ({ from, to, local, axis }) =>
    alone(() => {
      const { offset, length } = shardRange(countsOf(to), axis.coordinate);
      copy(local, from.local.subarray(offset, offset + length));
    }),
  'partial to shard': ({ from, to, local, axis: { group } }) => {
    const how = { counts: countsOf(to), op: opOf(from.placement) };
    if (group === null) return alone(() => copy(local, from.local));
    return {
      sync: () => group.reduceScatterSync(local, from.local, how),
      async: () => group.reduceScatter(local, from.local, how),
    };
  },
  'partial to replicate': ({ from, local, axis: { group } }) => {
    const how = { op: opOf(from.placement) };
    if (group === null) return alone(() => copy(local, from.local));
    return {
      sync: () => {
        copy(local, from.local);
        group.allReduceSync(local, how);
      },
      async: async () => {
        copy(local, from.local);
        await group.allReduce(local, how);
      },
    };
  },
  'shard to replicate': ({ from, local, axis: { group } }) => {
    const how = { counts: countsOf(from.placement) };
    if (group === null) return alone(() => copy(local, from.local));
    return { sync: () => group.allGatherSync(local, from.local, how), async: () => group.allGather(local, from.local, how) };
  },
};

/**
 * The collective that leads from a tensor's placement to another:
 *
 *     partial -> shard       reduce-scatter        replicate -> shard       each rank keeps its part
 *     partial -> replicate   all-reduce            shard     -> replicate   all-gather
 *
 * Sums are in rank order, so that every rank has the same bits.
 *
 * @throws {DTensorError} `unsupported-redistribution` for any other pair, `bad-placement` for counts that do not add up.
 */
export function redistribution(from: DTensor, to: Placement, local: Float32Array): Redistribute {
  const way = ways[`${from.placement.type} to ${to.type}`];
  const sameShards =
    from.placement.type === 'shard' && to.type === 'shard' && String(from.placement.counts) === String(to.counts);
  const axis = onlyAxis(from.mesh);
  if (sameShards) return whole({ from, to, local, axis });
  if (way === undefined) {
    throw new DTensorError(
      'unsupported-redistribution',
      `redistribute: there is no way from ${from.placement.type} to ${to.type}.`,
    );
  }
  if (to.type === 'shard') {
    const total = to.counts.reduce((sum, count) => sum + count, 0);
    if (to.counts.length !== axis.size || total !== from.length) {
      throw new DTensorError(
        'bad-placement',
        `redistribute: counts [${to.counts.join(', ')}] add up to ${total} on ${to.counts.length} ranks; the tensor has ${from.length} elements on ${axis.size}.`,
      );
    }
  }
  return way({ from, to, local, axis });
}
