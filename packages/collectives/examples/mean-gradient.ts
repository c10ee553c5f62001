import { connect } from '@distributed-shampoo/collectives';

const group = await connect(); // RANK, WORLD_SIZE and MASTER_PORT come from the launcher
const { rank, size } = group;

// A gradient in memory that the other ranks can read: nothing is copied.
const count = 1000;
const { memory, peerOffset, groupOffset } = group.allocate({ peerBytes: 4 * count, groupBytes: 4 * count, privateBytes: 0 });
const gradient = new Float32Array(memory.buffer, peerOffset(rank), count).fill(rank + 1);

// Each rank gets the mean of its own part, as many elements as counts say, ...
const counts = Array.from({ length: size }, (_, r) => (r === 0 ? count - (size - 1) * 100 : 100));
const start = rank === 0 ? 0 : counts[0]! + (rank - 1) * 100;
const mine = gradient.subarray(start, start + counts[rank]!);
group.reduceScatterSync(mine, gradient, { counts, op: 'mean' });

// ... works on it, and shows the result to all. The group region is one memory, so this only waits for the others.
const update = new Float32Array(memory.buffer, groupOffset, count);
for (let i = 0; i < mine.length; i++) update[start + i] = -0.1 * mine[i]!;
group.allGatherSync(update, update.subarray(start, start + counts[rank]!), { counts });

process.stdout.write(`rank ${rank} of ${size}: ${update[0]} ${update[count - 1]}\n`);
await group.close();
