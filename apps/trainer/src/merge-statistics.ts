import type { ProcessGroup } from '@distributed-shampoo/collectives';
import { dispose, type Tensor, tensor, tidy, type Variable } from '@tensorflow/tfjs-core';

/** Running statistics of one batch norm. */
export interface RunningStatistics {
  readonly mean: Variable;
  readonly variance: Variable;
}

/**
 * Merges batch-norm statistics of all ranks, so that every rank evaluates and saves the same network: each rank saw images of its own.
 *
 *     mean <- mean over ranks of mean_r
 *     variance <- mean over ranks of (variance_r + mean_r^2) - mean^2
 *
 * In float64, so that the difference of squares loses nothing. Collective.
 */
export function mergeStatistics(group: ProcessGroup, statistics: readonly RunningStatistics[]): void {
  if (group.size === 1) return;
  const length = statistics.reduce((sum, { mean }) => sum + mean.size, 0);
  const means = new Float64Array(length);
  const squares = new Float64Array(length);
  let offset = 0;
  for (const { mean, variance } of statistics) {
    const [m, v] = [mean.dataSync<'float32'>(), variance.dataSync<'float32'>()];
    for (let i = 0; i < m.length; i++) {
      means[offset + i] = m[i] as number;
      squares[offset + i] = (v[i] as number) + (m[i] as number) ** 2;
    }
    offset += m.length;
  }
  group.allReduceSync(means, { op: 'mean' });
  group.allReduceSync(squares, { op: 'mean' });
  offset = 0;
  for (const { mean, variance } of statistics) {
    const m = Float32Array.from(means.subarray(offset, offset + mean.size));
    const v = Float32Array.from(squares.subarray(offset, offset + mean.size), (square, i) =>
      Math.max(0, square - (means[offset + i] as number) ** 2),
    );
    tidy(() => {
      mean.assign(tensor(m, mean.shape));
      variance.assign(tensor(v, variance.shape));
    });
    offset += mean.size;
  }
}

/**
 * Does something with batch-norm statistics merged over all ranks, then gives every rank its own back: training goes on as if nothing had
 * been. Collective.
 */
export async function withMergedStatistics<T>(
  group: ProcessGroup,
  statistics: readonly RunningStatistics[],
  action: () => Promise<T>,
): Promise<T> {
  const variables = statistics.flatMap(({ mean, variance }) => [mean, variance]);
  const own = variables.map((variable) => variable.clone());
  mergeStatistics(group, statistics);
  try {
    return await action();
  } finally {
    for (const [index, variable] of variables.entries()) variable.assign(own[index] as Tensor);
    dispose(own);
  }
}
