import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  allGatherCall,
  allocateCall,
  allReduceCall,
  barrierCall,
  broadcastCall,
  type Call,
  reduceScatterCall,
  describe as words,
} from '../call.ts';
import { controlLayout } from '../memory/layout.ts';
import { CallLine, nowhere } from './call-line.ts';

const SIZE = 3;
const caller = { rank: 1, size: SIZE, seq: 5, step: 123_456_789_012 };
const counts = [4, 0, 6];
const x = new Float32Array(10);
const mine = new Float32Array(0);

/** Calls that differ from each other in one thing each. */
const calls: readonly Call[] = [
  barrierCall(caller),
  allocateCall({ peerBytes: 100, groupBytes: 200 }, caller),
  allocateCall({ peerBytes: 200, groupBytes: 100 }, caller),
  allReduceCall(x, { caller }),
  allReduceCall(x, { op: 'max', caller }),
  allReduceCall(x.subarray(1), { caller }),
  allReduceCall(new Int32Array(10), { caller }),
  broadcastCall(x, { source: 0, caller }),
  broadcastCall(x, { source: 2, caller }),
  reduceScatterCall(mine, x, { counts, caller }),
  reduceScatterCall(mine, x, { counts: [6, 0, 4], caller }),
  reduceScatterCall(mine, x, { counts, op: 'mean', caller }),
  allGatherCall(x, mine, { counts, caller }),
];

function lineOf(call: Call): CallLine {
  const bytes = controlLayout(SIZE).callLineBytes;
  const line = new CallLine(new SharedArrayBuffer(bytes), 0, bytes);
  line.write(call, { input: nowhere, output: nowhere });
  return line;
}

test('a line says the call in the same words as the call itself', () => {
  for (const call of calls) expect(lineOf(call).describe(SIZE)).toBe(words(call));
  expect(words(calls[9]!)).toBe('reduceScatter of 10 float32, op sum, counts [4, 0, 6]');
});

test('calls that differ in anything have different hashes, and equal ones on other ranks, at other addresses, the same', () => {
  expect(new Set(calls.map((call) => lineOf(call).hash)).size).toBe(calls.length);
  for (const call of calls) expect(lineOf({ ...call, rank: 2, seq: 5, step: 0 }).hash).toBe(lineOf(call).hash);
});

test('counts that differ anywhere, at any size, differ in their hash', () => {
  const anyCounts = fc.array(fc.oneof(fc.nat(10), fc.nat(), fc.integer({ min: 2 ** 32, max: 2 ** 45 })), {
    minLength: SIZE,
    maxLength: SIZE,
  });
  const call = (list: number[]): Call => ({ ...calls[12]!, counts: list });
  fc.assert(
    fc.property(anyCounts, anyCounts, (a, b) => {
      expect(lineOf(call(a)).hash === lineOf(call(b)).hash).toBe(a.join() === b.join());
    }),
  );
});

test('numbers and addresses come back, also those above two gigabytes', () => {
  const bytes = controlLayout(SIZE).callLineBytes;
  const line = new CallLine(new SharedArrayBuffer(bytes), 0, bytes);
  line.write(calls[3]!, { input: { region: 1, address: 3_000_000_000 }, output: { region: 2, address: 4_000_000_000 } });
  expect(line).toMatchObject({ seq: 5, step: 123_456_789_012, operation: 'allReduce', inputRegion: 1, outputRegion: 2 });
  expect([line.inputAddress, line.outputAddress]).toEqual([3_000_000_000, 4_000_000_000]);
});
