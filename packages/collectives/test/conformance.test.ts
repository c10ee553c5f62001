import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Capabilities } from '../src/index.ts';
import { runRanks } from '../src/testing/index.ts';

const script = new URL('./ranks/conformance.ts', import.meta.url);

interface Result {
  readonly cases: number;
  readonly failures: readonly string[];
  readonly capabilities: Capabilities;
  readonly zeroCopy: boolean;
}

describe.each(['overlay', 'view', 'file'] as const)('%s memory', (memory) => {
  test.each([1, 2, 3, 4])('every call on %i ranks equals the rank-order oracle, to the bit', async (size) => {
    const results = (await runRanks({ script, size, limitMs: 60_000, environment: { COLLECTIVES_MEMORY: memory } })) as Result[];
    expect(results).toHaveLength(size);
    for (const { cases, failures, capabilities, zeroCopy } of results) {
      expect(failures).toEqual([]);
      expect(cases).toBe(results[0]!.cases);
      expect(cases).toBeGreaterThan(1000);
      expect(capabilities).toMatchObject(
        size === 1
          ? { transport: 'single', memory: 'private' }
          : { transport: 'shared-memory', memory, zeroCopy: memory === 'overlay' },
      );
      expect(zeroCopy).toBe(size === 1 || memory === 'overlay');
    }
    expect(readdirSync('/dev/shm').filter((name) => name.startsWith('collectives-'))).toEqual([]);
  });
});
