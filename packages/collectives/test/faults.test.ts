import { readdirSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { type RankOutcome, type RunningRanks, startRanks } from '../src/testing/index.ts';
import { rankProgram } from './rank-program.ts';

const script = rankProgram('fault');
const SIZE = 3;
const VICTIM = 1;
const LIMIT_MS = 40_000;

/** Heartbeats of the tests that freeze a rank: a limit of one second. */
const HEARTBEAT_MS = 100;

interface Told {
  readonly code: string;
  readonly message: string;
  readonly rank?: number;
  readonly at: number;
}

interface Ending {
  readonly scenario: string;
  readonly first: Told;
  readonly second?: Told;
  readonly before: Readonly<Record<string, number>>;
  readonly after: Readonly<Record<string, number>>;
}

const start = (
  scenarios: string,
  { memory = 'overlay', origin, heartbeatMs = 500 }: { memory?: string; origin?: string; heartbeatMs?: number } = {},
) =>
  startRanks({
    script,
    size: SIZE,
    limitMs: LIMIT_MS,
    args: [scenarios, String(heartbeatMs)],
    environment:
      memory === 'websocket' ? { COLLECTIVES_TRANSPORT: memory } : { COLLECTIVES_MEMORY: memory, COLLECTIVES_ORIGIN: origin },
  });

const everyoneReady = (ranks: RunningRanks) => Promise.all(Array.from({ length: SIZE }, (_, r) => ranks.reported(r)));
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const survivors = (outcomes: readonly RankOutcome[]) => outcomes.filter(({ rank }) => rank !== VICTIM);

const endingsOf = ({ reports }: RankOutcome) =>
  reports.filter((r): r is Ending => typeof r === 'object' && r !== null && 'scenario' in r);

/** The rank ended by itself, failed like this in the scenario, would fail like this again, and holds no more than before it connected. */
function expectFailure(outcome: RankOutcome, expected: object, scenario?: string): Told {
  expect(outcome, outcome.output).toMatchObject({ code: 0, signal: null });
  const ending = endingsOf(outcome).find((e) => scenario === undefined || e.scenario === scenario)!;
  const { first, second, before, after } = ending;
  expect(first, outcome.output).toMatchObject(expected);
  expect(second).toMatchObject({ code: first.code, rank: first.rank });
  expect(after.descriptors).toBeLessThanOrEqual(before.descriptors!);
  expect(after.threads).toBeLessThanOrEqual(before.threads!);
  return first;
}

afterEach(() => {
  expect(readdirSync('/dev/shm').filter((name) => name.startsWith('collectives-'))).toEqual([]);
});

/** Where the survivors of `away` are: rank 0 in a call; rank 2 in none, so it names the last call of the rank that is lost. */
const whereabouts = [{ operation: 'allReduce', seq: 2, step: 7 }, {}, { operation: 'barrier', seq: 1, step: 6 }];

describe.each(['overlay', 'view', 'file', 'websocket'])('%s', (memory) => {
  test('kill -9 of a rank is seen by those who wait and those who compute, and each names rank, operation and step', async () => {
    const ranks = await start('away', { memory });
    await everyoneReady(ranks);
    await pause(50);
    const killedAt = Date.now();
    ranks.signal(VICTIM, 'SIGKILL');
    const outcomes = await ranks.outcomes();
    expect(outcomes[VICTIM]!.signal).toBe('SIGKILL');
    for (const outcome of survivors(outcomes)) {
      const { at } = expectFailure(outcome, { code: 'peer-lost', rank: VICTIM, ...whereabouts[outcome.rank] });
      expect(at - killedAt).toBeLessThan(1000); // typically 5 ms; this leaves room for a machine whose cores are all busy
    }
  });

  test('a rank that is frozen is found by its heartbeat, and learns of it when it thaws', async () => {
    const ranks = await start('slow', { memory, heartbeatMs: HEARTBEAT_MS });
    await everyoneReady(ranks);
    const frozenAt = Date.now();
    ranks.signal(VICTIM, 'SIGSTOP');
    await Promise.all([ranks.reported(0, 1), ranks.reported(2, 1)]);
    ranks.signal(VICTIM, 'SIGCONT');
    const outcomes = await ranks.outcomes();
    expectFailure(outcomes[VICTIM]!, { code: 'peer-lost', rank: VICTIM });
    for (const outcome of survivors(outcomes)) {
      const { at, message } = expectFailure(outcome, { code: 'peer-lost', rank: VICTIM, ...whereabouts[outcome.rank] });
      expect(message).toContain('stands still');
      expect(at - frozenAt).toBeGreaterThanOrEqual(9 * HEARTBEAT_MS);
      expect(at - frozenAt).toBeLessThan(12 * HEARTBEAT_MS + 1000);
    }
  });

  test('a rank that aborts and ends at once is blamed for what it said, not for being gone', async () => {
    const outcomes = await (await start('quits', { memory })).outcomes();
    for (const outcome of survivors(outcomes)) {
      const { message } = expectFailure(outcome, { code: 'aborted', rank: VICTIM, operation: 'allReduce', seq: 2, step: 7 });
      expect(message).toContain('the loss is not a number');
    }
  });

  test('a rank killed anywhere in any operation is found by all', async () => {
    for (const delayMs of memory === 'overlay' ? [1, 17] : [5]) {
      const ranks = await start('busy', { memory });
      await everyoneReady(ranks);
      await pause(delayMs);
      ranks.signal(VICTIM, 'SIGKILL');
      for (const outcome of survivors(await ranks.outcomes())) expectFailure(outcome, { code: 'peer-lost', rank: VICTIM });
    }
  });

  test.each(['SIGKILL', 'SIGSTOP'] as const)('rank 0, through which all are connected, may get %s as well', async (signal) => {
    const ranks = await start('away', { memory, heartbeatMs: HEARTBEAT_MS });
    await everyoneReady(ranks);
    ranks.signal(0, signal);
    await ranks.reported(2, 1);
    ranks.signal(0, 'SIGKILL');
    ranks.signal(VICTIM, 'SIGKILL'); // it stands for a rank deep in native code, and never looks
    const outcomes = await ranks.outcomes();
    expectFailure(outcomes[2]!, { code: 'peer-lost', rank: 0 });
  });

  test('what goes wrong without a death names rank, operation and step on all ranks, and the ranks can connect again', async () => {
    const outcomes = await (await start('leaves,aborts,other size,late', { memory })).outcomes();
    const here = { seq: 2, step: 7 };
    for (const outcome of outcomes) {
      if (outcome.rank !== VICTIM)
        expectFailure(outcome, { code: 'closed', rank: VICTIM, operation: 'allReduce', ...here }, 'leaves');

      const { message } = expectFailure(outcome, { code: 'aborted', rank: VICTIM, step: 7 }, 'aborts');
      expect(message).toContain('rank 1 aborted the group: the loss is not a number'); // the first reason, not the second

      const quoted = 'rank 0 called allReduce of 100000 float32, op sum; rank 1 called allReduce of 100 float32, op sum';
      expect(expectFailure(outcome, { code: 'mismatch', rank: VICTIM, ...here }, 'other size').message).toContain(quoted);

      // What was mapped for the group is gone, but for overlays, which go when their memory is collected.
      if (memory !== 'overlay') expect(endingsOf(outcome).at(-1)!.after.views).toBe(0);

      const late = { code: 'timeout', rank: VICTIM, missingRanks: [VICTIM], operation: 'allReduce', waitedMs: 2500, ...here };
      expect(expectFailure(outcome, late, 'late').message).toContain('rank 1 was last in barrier, call 1 of step 6');
    }
  });
});

test('a file in /dev/shm has no name any more when all ranks are killed, whatever they were doing', async () => {
  const ranks = await start('busy', { origin: 'tmpfs' });
  await everyoneReady(ranks);
  for (let rank = 0; rank < SIZE; rank++) ranks.signal(rank, 'SIGKILL');
  for (const { signal } of await ranks.outcomes()) expect(signal).toBe('SIGKILL');
});

test('another operation, dtype or counts on one rank is a mismatch that quotes both calls', async () => {
  const outcomes = await (await start('other operation,other dtype,other counts')).outcomes();
  for (const outcome of outcomes) {
    for (const [scenario, quoted] of [
      [
        'other operation',
        'rank 0 called allReduce of 100000 float32, op sum; rank 1 called broadcast of 100000 float32, source 0',
      ],
      ['other dtype', 'rank 1 called allReduce of 100000 int32, op sum'],
      ['other counts', 'counts [100000, 0, 0]; rank 1 called allGather of 100000 float32, counts [0, 100000, 0]'],
    ] as const) {
      const { message } = expectFailure(outcome, { code: 'mismatch', rank: VICTIM, seq: 2, step: 7 }, scenario);
      expect(message).toContain(quoted);
    }
  }
});

test.each(['exits', 'throws'])('a rank that %s without close is lost', async (scenario) => {
  const outcomes = await (await start(scenario)).outcomes();
  expect(outcomes[VICTIM]!.code).toBe(scenario === 'exits' ? 0 : 1);
  for (const outcome of survivors(outcomes)) {
    expectFailure(outcome, { code: 'peer-lost', rank: VICTIM, operation: 'allReduce', seq: 2, step: 7 });
  }
});

test('misuse is thrown before anything is sent, and the group goes on', async () => {
  for (const outcome of await (await start('misuse')).outcomes()) {
    expect(endingsOf(outcome)[0]!.first.message, outcome.output).toBe('unsupported, bad-argument, bad-argument, bad-argument');
  }
});
