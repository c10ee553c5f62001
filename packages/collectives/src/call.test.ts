import { expect, test } from 'vitest';
import { allGatherCall, allReduceCall, broadcastCall, partStart, reduceScatterCall } from './call.ts';
import type { Elements } from './elements.ts';

const caller = { rank: 1, size: 3, seq: 1, step: 0 };
const counts = [2, 3, 1];
const whole = new Float32Array(new ArrayBuffer(64), 8, 6);
const own = whole.subarray(2, 5);

test('a part starts after those of lower ranks', () => {
  expect([0, 1, 2, 3].map((r) => partStart(counts, r))).toEqual([0, 2, 5, 6]);
});

test('the own part may be passed as itself, or lie elsewhere, also in the same buffer', () => {
  for (const mine of [own, new Float32Array(3), new Float32Array(whole.buffer, 36, 3)]) {
    expect(reduceScatterCall(mine, whole, { counts, caller })).toMatchObject({ input: whole, output: mine, elements: 6 });
    expect(allGatherCall(whole, mine, { counts, caller })).toMatchObject({ input: mine, output: whole });
  }
});

test.each<[string, () => unknown, string, RegExp]>([
  [
    'what is no array',
    () => allReduceCall([1, 2] as unknown as Elements, { caller }),
    'bad-argument',
    /expected a typed array, got object/,
  ],
  ['nothing', () => allReduceCall(null as unknown as Elements, { caller }), 'bad-argument', /got null/],
  [
    'an unknown op',
    () => allReduceCall(whole, { op: 'product' as 'sum', caller }),
    'bad-argument',
    /op must be one of .* got "product"/,
  ],
  ['a sum of bytes', () => allReduceCall(new Uint8Array(3), { caller }), 'unsupported', /sum of uint8/],
  ['a mean of integers', () => allReduceCall(new Int32Array(3), { op: 'mean', caller }), 'unsupported', /mean of int32/],
  ['counts for fewer ranks', () => allGatherCall(whole, own, { counts: [3, 3], caller }), 'bad-argument', /each of the 3 ranks/],
  ['no counts', () => allGatherCall(whole, own, { counts: undefined as never, caller }), 'bad-argument', /each of the 3 ranks/],
  [
    'a negative count',
    () => allGatherCall(whole, own, { counts: [4, 3, -1], caller }),
    'bad-argument',
    /counts\[2\] must be .* got -1/,
  ],
  [
    'counts of another sum',
    () => allGatherCall(whole, own, { counts: [3, 3, 1], caller }),
    'bad-argument',
    /add up to 7, .* 6 elements/,
  ],
  [
    'another length of the own part',
    () => reduceScatterCall(whole.subarray(0, 2), whole, { counts, caller }),
    'bad-argument',
    /rank 1 passed 2 elements .* says 3/,
  ],
  [
    'two dtypes',
    () => reduceScatterCall(new Float64Array(3), whole, { counts, caller }),
    'bad-argument',
    /one dtype, got float64 and float32/,
  ],
  [
    'an own part that overlaps the whole elsewhere',
    () => reduceScatterCall(whole.subarray(1, 4), whole, { counts, caller }),
    'bad-argument',
    /overlaps .* at byte 12; in place it must start at byte 16/,
  ],
  ['a source that is no rank', () => broadcastCall(whole, { source: 3, caller }), 'bad-argument', /from 0 to 2, got 3/],
])('%s is refused', (_what, make, code, sentence) => {
  expect(make).toThrow(expect.objectContaining({ code, message: expect.stringMatching(sentence) }));
});
