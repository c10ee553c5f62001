import { type DeviceMesh, onlyAxis } from '@distributed-shampoo/dtensor';
import { OptimizerError } from './errors.ts';
import { textHash } from './hash.ts';

/**
 * Checks that every rank came to the same text alone.
 *
 * @throws {OptimizerError} `ranks-differ` on every rank where they did not.
 */
export function agreeOn(mesh: DeviceMesh, text: string, what: string): void {
  const { group } = onlyAxis(mesh);
  if (group === null) return;
  const hash = textHash(text);
  const extremes = Int32Array.of(hash, -hash);
  group.allReduceSync(extremes, { op: 'max' });
  if (extremes[0] !== hash || extremes[1] !== -hash) {
    throw new OptimizerError(
      'ranks-differ',
      `rank ${group.rank}: ${what} differ between ranks. All ranks must be given the same, in the same order.`,
      { hash },
    );
  }
}

/**
 * Asks every rank whether something happened to it.
 *
 * @returns the highest rank that said yes, or null.
 */
export function anyRank(mesh: DeviceMesh, mine: boolean): number | null {
  const { group, coordinate } = onlyAxis(mesh);
  if (group === null) return mine ? coordinate : null;
  const highest = Int32Array.of(mine ? coordinate + 1 : 0);
  group.allReduceSync(highest, { op: 'max' });
  return highest[0] === 0 ? null : (highest[0] as number) - 1;
}
