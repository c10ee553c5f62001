/**
 * A rank of the fault tests. For each scenario of its arguments it connects, does what the scenario says, reports how that ended,
 * and closes. It never calls process.exit unless the scenario is about that, so a rank that does not end by itself has left something running.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { CollectivesError, connect, type ProcessGroup } from '../../src/index.ts';
import { report } from '../../src/testing/index.ts';

const VICTIM = 1;
const LATE_MS = 2500;
const [scenarioNames = '', heartbeatMs = '500'] = process.argv.slice(2);

/** Deep in a call that does not return, as native code may be. */
const absent = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

/** Computes in pieces of some milliseconds and looks around between them, as a model does between layers. */
function compute(group: ProcessGroup): never {
  for (;;) {
    for (const end = performance.now() + 3; performance.now() < end; );
    group.throwIfAborted();
  }
}

const x = new Float32Array(100_000).fill(1);
const meet = (group: ProcessGroup) => {
  group.step = 6;
  group.barrierSync();
  group.step = 7;
  report('ready');
};

/** What each rank does. Others than the victim are expected to throw. */
const scenarios: Record<string, (group: ProcessGroup, victim: boolean) => void | Promise<void>> = {
  /** The victim does something else; rank 0 waits for it in a call, rank 2 computes. */
  away(group, victim) {
    meet(group);
    if (victim) absent(60_000);
    if (group.rank === 2) compute(group);
    group.allReduceSync(x);
  },
  /** As `away`, but the victim looks around. */
  slow(group, victim) {
    meet(group);
    if (victim || group.rank === 2) compute(group);
    group.allReduceSync(x);
  },
  /** All are in one call after the other, of every operation; the victim is hit anywhere. */
  busy(group) {
    const memory = group.allocate({ peerBytes: 400_000, groupBytes: 400_000, privateBytes: 0 });
    const y = new Float32Array(memory.memory.buffer, memory.peerOffset(group.rank), x.length);
    const counts = Array.from({ length: group.size }, (_, r) => (r === 0 ? x.length : 0));
    meet(group);
    for (;;) {
      group.step++;
      group.allReduceSync(x, { op: 'mean' });
      group.allReduceSync(y, { op: 'mean' });
      group.reduceScatterSync(new Float32Array(counts[group.rank]!), y, { counts });
      group.allGatherSync(x, x.subarray(0, counts[group.rank]), { counts });
      group.broadcastSync(x, { source: group.size - 1 });
      group.barrierSync();
    }
  },
  exits(group, victim) {
    meet(group);
    if (victim) process.exit(0);
    group.allReduceSync(x);
  },
  quits(group, victim) {
    meet(group);
    if (victim) {
      group.abort('the loss is not a number');
      process.exit(3);
    }
    group.allReduceSync(x);
  },
  async throws(group, victim) {
    meet(group);
    if (!victim) return group.allReduceSync(x);
    setImmediate(() => {
      throw new Error('a fault of the program');
    });
    await new Promise(() => {});
  },
  leaves(group, victim) {
    meet(group);
    if (!victim) group.allReduceSync(x);
  },
  aborts(group, victim) {
    meet(group);
    if (victim) {
      group.abort('the loss is not a number');
      group.abort('a second reason');
    }
    compute(group);
  },
  'other size'(group, victim) {
    meet(group);
    group.allReduceSync(victim ? x.subarray(0, 100) : x);
  },
  'other operation'(group, victim) {
    meet(group);
    if (victim) group.broadcastSync(x, { source: 0 });
    else group.allReduceSync(x);
  },
  'other dtype'(group, victim) {
    meet(group);
    group.allReduceSync(victim ? new Int32Array(x.length) : x);
  },
  'other counts'(group, victim) {
    meet(group);
    const counts = Array.from({ length: group.size }, (_, r) => (r === (victim ? 1 : 0) ? x.length : 0));
    group.allGatherSync(x, x.subarray(0, counts[group.rank]), { counts });
  },
  late(group, victim) {
    meet(group);
    if (victim) absent(LATE_MS + 1000);
    group.allReduceSync(x);
  },
  /** The group goes on after misuse, and after a size that cannot be had. */
  misuse(group) {
    meet(group);
    const codes = [
      () => group.allReduceSync(new Uint8Array(4)),
      () => group.allGatherSync(x, x.subarray(0, 3), { counts: [1] }),
      () => group.broadcastSync(x, { source: 99 }),
      () => group.allocate({ peerBytes: 2 ** 33, groupBytes: 0, privateBytes: 0 }),
    ].map((call) => {
      try {
        call();
        return 'none';
      } catch (error) {
        return (error as CollectivesError).code;
      }
    });
    group.barrierSync();
    throw new CollectivesError('aborted', codes.join(', '));
  },
};

function told(error: unknown) {
  if (!(error instanceof CollectivesError)) return { code: 'foreign', message: String(error), at: Date.now() };
  const { code, message, rank, operation, seq, step, waitedMs, missingRanks } = error;
  return { code, message, rank, operation, seq, step, waitedMs, missingRanks, at: Date.now() };
}

/** What this process holds that a group could have left. */
const held = () => ({
  descriptors: readdirSync('/proc/self/fd').filter((fd) => Number(fd) > 2).length,
  threads: readdirSync('/proc/self/task').length,
  views: readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.includes('collectives')).length,
});

const before = held();
for (const [restart, name] of scenarioNames.split(',').entries()) {
  const environment = { ...process.env, TORCHELASTIC_RESTART_COUNT: String(restart) };
  const timeoutMs = name === 'late' ? LATE_MS : 20_000;
  const group = await connect({ heartbeatMs: Number(heartbeatMs), timeoutMs, environment });
  let first: unknown = { code: 'none' };
  let second: unknown;
  try {
    await scenarios[name]!(group, group.rank === VICTIM);
  } catch (error) {
    first = told(error);
    report(first); // at once: the starter may be waiting for it
    try {
      group.barrierSync(); // unusable, and says the same
    } catch (again) {
      second = told(again);
    }
    group.abort('too late');
    group.abort('too late');
  }
  await Promise.all([group.close(), group.close()]);
  await group.close();
  report({ scenario: name, first, second, before, after: held() });
}
