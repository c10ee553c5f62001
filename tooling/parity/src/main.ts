import { OptimizerError } from '@distributed-shampoo/optimizer';
import { engineNames } from '@distributed-shampoo/tensor';
import { useBackend, useBlas } from '@distributed-shampoo/tensor/node';
import { enableProdMode } from '@tensorflow/tfjs-core';
import { type Golden, readGolden, type Trajectory } from './golden.ts';
import { runPartition } from './run-partition.ts';
import { runTrajectory } from './run-trajectory.ts';

interface Failure {
  readonly name: string;
  readonly engine: string;
  readonly reason: string;
  readonly supported: boolean;
}

/** Runs every case on every engine, prints a line per failure and the count. @returns the exit code. */
async function main(): Promise<number> {
  enableProdMode();
  await useBackend();
  await useBlas();
  const golden = readGolden();
  const engines = [...engineNames()];
  console.log(
    `parity: ${golden.trajectories.length} trajectories on ${engines.join(', ')}, ${golden.partitions.length} partitions, from ${golden.folder}`,
  );
  const failures = [
    ...partitionFailures(golden),
    ...golden.trajectories.flatMap((one) => engines.flatMap((engine) => trajectoryFailure(one, engine))),
  ];
  for (const { name, engine, reason } of failures) console.log(`FAILED ${name} (${engine}): ${reason}`);
  const unsupported = failures.filter(({ supported }) => !supported).length;
  if (unsupported > 0) console.log(`${unsupported} of the failures are cases whose options are not supported yet.`);
  const total = golden.partitions.length + golden.trajectories.length * engines.length;
  console.log(`${total - failures.length} passed, ${failures.length} failed`);
  return failures.length === 0 ? 0 : 1;
}

function partitionFailures({ partitions }: Golden): Failure[] {
  return partitions.flatMap((one, index) => {
    const reason = runPartition(one);
    return reason === undefined ? [] : [{ name: `partition ${index}`, engine: 'plan', reason, supported: true }];
  });
}

function trajectoryFailure(golden: Trajectory, engine: string): Failure[] {
  try {
    const { error, bound, where } = runTrajectory(golden, engine);
    // Written so that NaN fails.
    if (error <= bound) return [];
    return [
      {
        name: golden.name,
        engine,
        reason: `error ${error.toExponential(2)} above ${bound.toExponential(2)} at ${where}`,
        supported: true,
      },
    ];
  } catch (error) {
    const supported = !(error instanceof OptimizerError && error.code === 'bad-option');
    return [
      {
        name: golden.name,
        engine,
        reason: supported ? String(error) : `not supported yet: ${(error as Error).message}`,
        supported,
      },
    ];
  }
}

process.exitCode = await main();
