import { allocateRegions, DTensor, deviceMesh, partial, replicate, shard } from '@distributed-shampoo/dtensor';

// This process alone; with others it is deviceMesh(await connect()), of @distributed-shampoo/collectives.
const mesh = deviceMesh(null);
const counts = [6];

// One memory that ranks, engine and tensors share.
const regions = allocateRegions(mesh, { partial: 6, replicate: 6, privateBytes: 0 });
regions.partial.set([1, 2, 3, 4, 5, 6]);

// A reduce-scatter: every rank holds the mean of its own part. Nothing is copied, it lies where it was.
const gradients = new DTensor(mesh, partial('mean'), regions.partial);
const mine = gradients.redistributeSync(shard(0, counts), { into: regions.partial });

// An all-gather: what each rank made of its part, on every rank.
regions.replicate.set(mine.local.map((x) => -x));
const directions = new DTensor(mesh, shard(0, counts), regions.replicate).redistributeSync(replicate(), {
  into: regions.replicate,
});
process.stdout.write(`${directions.local.join(' ')}\n`);
