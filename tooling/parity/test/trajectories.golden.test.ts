import { parseOptions, type ShampooInput } from '@distributed-shampoo/optimizer';
import { useBackend, useBlas } from '@distributed-shampoo/tensor/node';
import { enableProdMode } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { readGolden, type Trajectory } from '../src/golden.ts';
import { runPartition } from '../src/run-partition.ts';
import { runTrajectory } from '../src/run-trajectory.ts';

const golden = readGolden();

/** The cases whose options parse; `npm run parity` counts the others as failed. */
const supported = golden.trajectories.filter((one: Trajectory) => {
  try {
    parseOptions(one.options as ShampooInput);
    return true;
  } catch {
    return false;
  }
});

beforeAll(async () => {
  enableProdMode();
  await useBackend();
  await useBlas();
});

test('there is something to judge', () => {
  expect(supported.length).toBeGreaterThan(0);
});

describe.each(['reference', 'blas', 'tfjs'])('trajectories on %s', (engine) => {
  test.each(supported.map((one) => [one.name, one] as const))('%s', (_name, one) => {
    const { error, bound, where } = runTrajectory(one, engine);
    expect(error, where).toBeLessThanOrEqual(bound);
  });
});

test.each(golden.partitions.map((one, index) => [index, one] as const))('partition %i', (_index, one) => {
  expect(runPartition(one)).toBe(undefined);
});
