import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  CACHE_LINE,
  CALL_HEADER_BYTES,
  controlLayout,
  groupLayout,
  MOST_RANKS,
  NOTE_BYTES,
  PAGE,
  RECORD_BYTES,
  SLOTS,
  stagingLayout,
} from './layout.ts';

/** Ranges in any order: sorted, none reaches into the next, and all end within `end`. */
function expectApart(ranges: readonly (readonly [from: number, bytes: number])[], end: number): void {
  const sorted = [...ranges].sort((a, b) => a[0] - b[0]);
  for (const [i, [from, bytes]] of sorted.entries()) expect(from + bytes).toBeLessThanOrEqual(sorted[i + 1]?.[0] ?? end);
}

const anySize = fc.integer({ min: 1, max: MOST_RANKS });

test('everything in the control pages lies apart from everything else, on cache lines', () => {
  fc.assert(
    fc.property(anySize, (size) => {
      const c = controlLayout(size);
      const ranks = Array.from({ length: size }, (_, r) => r);
      const ranges: [number, number][] = [
        ...[c.arrivals, c.generation, c.sleepers, c.aborted, c.nonce].map((at): [number, number] => [at, CACHE_LINE]),
        ...ranks.flatMap((r): [number, number][] => [
          [c.rankLine(r), CACHE_LINE],
          [c.signature(r), CACHE_LINE],
          [c.callLine(0, r), c.callLineBytes],
          [c.callLine(1, r), c.callLineBytes],
          [c.record(r, 0), RECORD_BYTES],
          [c.record(r, 1), RECORD_BYTES],
          [c.note(r), NOTE_BYTES],
        ]),
      ];
      expectApart(ranges, c.totalBytes);
      for (const [from] of ranges) expect(from % CACHE_LINE).toBe(0);
      expect(c.callLineBytes).toBeGreaterThanOrEqual(CALL_HEADER_BYTES + 8 * size);
      expect(c.totalBytes % PAGE).toBe(0);
    }),
    { numRuns: 30 },
  );
});

test('slots lie apart, three in a row are different, and the fourth is the first again', () => {
  fc.assert(
    fc.property(anySize, fc.nat(1e6), (size, block) => {
      const s = stagingLayout(size);
      const slots = Array.from({ length: size }, (_, r) => Array.from({ length: SLOTS }, (_, k) => s.slot(r, block + k))).flat();
      expectApart([[0, s.control.totalBytes], ...slots.map((at): [number, number] => [at, s.blockBytes])], s.totalBytes);
      expect(s.slot(size - 1, block + SLOTS)).toBe(s.slot(size - 1, block));
      expect(s.totalBytes % PAGE).toBe(0);
    }),
    { numRuns: 30 },
  );
});

test('regions of registered memory lie apart, in order, on pages', () => {
  const bytes = fc.nat(1e7);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 16 }), bytes, bytes, bytes, (size, peerBytes, groupBytes, privateBytes) => {
      const g = groupLayout(size, { peerBytes, groupBytes, privateBytes });
      const regions: [number, number][] = [
        [0, PAGE],
        ...Array.from({ length: size }, (_, r): [number, number] => [g.peer(r), peerBytes]),
        [g.group, groupBytes],
        [g.private, privateBytes],
        [g.scratch, PAGE],
      ];
      expectApart(
        regions.filter(([, length]) => length > 0),
        g.totalBytes,
      );
      for (const [from] of regions) expect(from % PAGE).toBe(0);
      expect(regions.map(([from]) => from)).toEqual(regions.map(([from]) => from).sort((a, b) => a - b));
      expect(g.sharedBytes).toBe(g.private);
    }),
  );
});
