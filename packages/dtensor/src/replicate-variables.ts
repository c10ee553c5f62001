import { packTensor, unpackTensor, wholeRun } from '@distributed-shampoo/tensor';
import type { Variable } from '@tensorflow/tfjs-core';
import { type DeviceMesh, onlyAxis } from './mesh.ts';

/**
 * Gives every rank the first rank's values: start of a data-parallel training. All variables must be float32.
 *
 * One broadcast for all of them, through a buffer that is freed afterwards.
 */
export function replicateVariables(mesh: DeviceMesh, variables: readonly Variable[]): void {
  const { group, coordinate } = onlyAxis(mesh);
  if (group === null) return;
  const length = variables.reduce((sum, variable) => sum + variable.size, 0);
  const flat = new Float32Array(length);
  let offset = 0;
  const places = variables.map((variable) => {
    const run = wholeRun(variable.size, offset);
    offset += variable.size;
    return { variable, run };
  });
  if (coordinate === 0) for (const { variable, run } of places) packTensor(flat, variable, [run]);
  group.broadcastSync(flat, { source: 0 });
  if (coordinate === 0) return;
  for (const { variable, run } of places) {
    const value = unpackTensor(flat, variable.shape, [run]);
    variable.assign(value);
    value.dispose();
  }
}
