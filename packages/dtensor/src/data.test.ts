import '@tensorflow/tfjs-backend-cpu';
import { memory, type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import { array, generator } from '@tensorflow/tfjs-data';
import { expect, test } from 'vitest';
import { shardDataset } from './data.ts';

const meshOf = (size: number, coordinate: number) => ({ axes: [{ name: 'data', size, coordinate, group: null }] });

test.each([1, 2, 3, 7])('%i ranks share the elements, each once, in order, equally many', async (size) => {
  const elements = Array.from({ length: 17 }, (_, i) => i);
  const shards = await Promise.all(
    elements.slice(0, size).map((rank) => shardDataset(array(elements), meshOf(size, rank)).toArray()),
  );
  const rounds = Math.floor(17 / size);
  for (const [rank, shard] of shards.entries()) expect(shard).toEqual(elements.filter((i) => i % size === rank).slice(0, rounds));
});

test('another pass starts over', async () => {
  const half = shardDataset(array([1, 2, 3, 4]), meshOf(2, 1));
  expect([await half.toArray(), await half.toArray()]).toEqual([
    [2, 4],
    [2, 4],
  ]);
});

test("the others' tensors are disposed, an incomplete last round too", async () => {
  const before = memory().numTensors;
  const five = generator(function* () {
    for (let i = 0; i < 5; i++) yield { x: tensor1d([i]) };
  } as never);
  const mine = (await shardDataset(five, meshOf(2, 0)).toArray()) as { x: Tensor }[];
  expect(memory().numTensors).toBe(before + mine.length);
  expect(mine.map(({ x }) => x.dataSync()[0])).toEqual([0, 2]);
  for (const { x } of mine) x.dispose();
});
