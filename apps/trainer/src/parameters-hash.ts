import { createHash } from 'node:crypto';
import type { ProcessGroup } from '@distributed-shampoo/collectives';
import type { Variable } from '@tensorflow/tfjs-core';

/** SHA-256 over the bytes of variables, in their order, as hexadecimal text. */
export function hashOf(variables: readonly Variable[]): string {
  const hash = createHash('sha256');
  for (const variable of variables) {
    const values = variable.dataSync();
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest('hex');
}

/** The hash of every rank, on every rank. Collective. */
export function hashesOfAllRanks(group: ProcessGroup, variables: readonly Variable[]): readonly string[] {
  const own = new Uint8Array(Buffer.from(hashOf(variables), 'hex'));
  const all = new Uint8Array(own.length * group.size);
  const counts = new Array<number>(group.size).fill(own.length);
  group.allGatherSync(all, own, { counts });
  return counts.map((length, rank) => Buffer.from(all.subarray(rank * length, (rank + 1) * length)).toString('hex'));
}
