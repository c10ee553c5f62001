import { expect, test } from 'vitest';
import { DTensor } from './dtensor.ts';
import { deviceMesh } from './mesh.ts';
import { partial, replicate, shard } from './placement.ts';

const mesh = deviceMesh(null);
const values = () => Float32Array.of(1, 2, 3);

test.each([
  [partial('sum'), replicate()],
  [partial('mean'), shard(0, [3])],
  [replicate(), shard(0, [3])],
  [shard(0, [3]), replicate()],
  [replicate(), replicate()],
  [shard(0, [3]), shard(0, [3])],
])('on one rank %o to %o is the identity', async (from, to) => {
  expect(new DTensor(mesh, from, values()).redistributeSync(to).local).toEqual(values());
  expect((await new DTensor(mesh, from, values()).redistribute(to)).local).toEqual(values());
});

test('in place nothing is copied', () => {
  const local = values();
  expect(new DTensor(mesh, partial('mean'), local).redistributeSync(shard(0, [3]), { into: local }).local).toBe(local);
});

test('there is no way back to partial, and counts must add up', () => {
  expect(() => new DTensor(mesh, replicate(), values()).redistributeSync(partial())).toThrow(
    expect.objectContaining({ code: 'unsupported-redistribution' }),
  );
  expect(() => new DTensor(mesh, replicate(), values()).redistributeSync(shard(0, [2]))).toThrow(
    expect.objectContaining({ code: 'bad-placement' }),
  );
  expect(() => new DTensor(mesh, replicate(), values()).redistributeSync(shard(0, [1, 2]))).toThrow(
    expect.objectContaining({ code: 'bad-placement' }),
  );
  expect(() => new DTensor(mesh, shard(0, [2]), values())).toThrow(expect.objectContaining({ code: 'bad-placement' }));
});
