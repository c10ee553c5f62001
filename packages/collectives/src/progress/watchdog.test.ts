import { expect, test } from 'vitest';
import { Watchdog } from './watchdog.ts';

const ticking = (watchdog: Watchdog, { from, to }: { from: number; to: number }, each: (now: number) => void = () => {}) => {
  const late = new Set<number>();
  for (let now = from; now <= to; now += 100) {
    each(now);
    for (const { rank } of watchdog.late(now)) late.add(rank);
  }
  return [...late];
};

test('a rank that is silent for ten heartbeats is late, one that is heard of is not', () => {
  const watchdog = new Watchdog({ heartbeatMs: 100 });
  watchdog.heard(1, 0);
  watchdog.heard(2, 0);
  expect(ticking(watchdog, { from: 0, to: 1000 }, (now) => watchdog.heard(2, now))).toEqual([]);
  expect(ticking(watchdog, { from: 1100, to: 1200 }, (now) => watchdog.heard(2, now))).toEqual([1]);
});

test('it is found within 1.2 times the limit', () => {
  const watchdog = new Watchdog({ heartbeatMs: 100 });
  watchdog.heard(1, 0);
  let found = 0;
  for (let now = 0; found === 0; now += 100) if (watchdog.late(now).length > 0) found = now;
  expect(found).toBeLessThanOrEqual(1200);
});

test('a process that was frozen itself blames nobody, and counts anew', () => {
  const watchdog = new Watchdog({ heartbeatMs: 100 });
  watchdog.heard(1, 0);
  ticking(watchdog, { from: 0, to: 500 });
  expect(watchdog.late(60_000)).toEqual([]);
  expect(ticking(watchdog, { from: 60_100, to: 61_000 })).toEqual([]);
  expect(ticking(watchdog, { from: 61_100, to: 61_200 })).toEqual([1]);
});

test('a rank that has said goodbye may be silent', () => {
  const watchdog = new Watchdog({ heartbeatMs: 100 });
  watchdog.heard(1, 0);
  watchdog.forget(1);
  expect(ticking(watchdog, { from: 0, to: 5000 })).toEqual([]);
});
