import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Capabilities } from '../src/index.ts';
import { runRanks } from '../src/testing/index.ts';
import { rankProgram } from './rank-program.ts';

const script = rankProgram('conformance');

interface Result {
  readonly cases: number;
  readonly failures: readonly string[];
  readonly capabilities: Capabilities;
  readonly zeroCopy: boolean;
}

test('every call of a group of one gives what the oracle says', async () => {
  const [result] = (await runRanks({ script, size: 1, limitMs: 60_000 })) as Result[];
  expect(result).toMatchObject({ failures: [], zeroCopy: true, capabilities: { transport: 'single', memory: 'private' } });
});

describe('over WebSocket', () => {
  test.each([2, 3, 4, 7, 8])('every call on %i ranks equals the rank-order oracle, to the bit', async (size) => {
    const environment = { COLLECTIVES_TRANSPORT: 'websocket' };
    const results = (await runRanks({ script, size, limitMs: 120_000, environment })) as Result[];
    expect(results).toHaveLength(size);
    for (const { cases, failures, capabilities, zeroCopy } of results) {
      expect(failures).toEqual([]);
      expect(cases).toBe(results[0]!.cases);
      expect(cases).toBeGreaterThan(1000);
      expect(capabilities).toMatchObject({ transport: 'websocket', memory: 'private', zeroCopy: false, simd: true });
      expect(zeroCopy).toBe(false);
    }
  });
});

describe.each([
  ['overlay', 'memfd', [2, 3, 4]],
  ['overlay', 'tmpfs', [2]],
  ['view', 'memfd', [2, 3, 4]],
  ['file', 'tmpfs', [2, 3, 4]],
] as const)('%s memory on %s', (memory, origin, sizes) => {
  test.each(sizes)('every call on %i ranks equals the rank-order oracle, to the bit', async (size) => {
    const environment = { COLLECTIVES_MEMORY: memory, COLLECTIVES_ORIGIN: origin };
    const results = (await runRanks({ script, size, limitMs: 60_000, environment })) as Result[];
    expect(results).toHaveLength(size);
    for (const { cases, failures, capabilities, zeroCopy } of results) {
      expect(failures).toEqual([]);
      expect(cases).toBe(results[0]!.cases);
      expect(cases).toBeGreaterThan(1000);
      expect(capabilities).toMatchObject({ transport: 'shared-memory', memory, zeroCopy: memory === 'overlay', simd: true });
      expect(zeroCopy).toBe(memory === 'overlay');
    }
    expect(readdirSync('/dev/shm').filter((name) => name.startsWith('collectives-'))).toEqual([]);
  });
});
