import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeHeader, encodeFrame, type FrameFields, frameType, HEADER_BYTES, payloadLimit } from './frame.ts';
import { FrameReader } from './frame-reader.ts';

const anyFrame = fc
  .record({
    type: fc.constantFrom(...(Object.keys(frameType) as (keyof typeof frameType)[])),
    epoch: fc.nat(),
    source: fc.nat(65535),
    destination: fc.nat(65535),
    sequence: fc.nat(),
    phase: fc.nat(65535),
    signature: fc.nat(0xffffffff),
    offset: fc.nat(2 ** 40),
    payload: fc.uint8Array({ maxLength: 300 }),
  })
  .map((f): Required<FrameFields> => ({ ...f, payload: f.payload.subarray(0, payloadLimit[f.type]) }));

describe('a message', () => {
  test('is these bytes', () => {
    const bytes = encodeFrame({
      type: 'store',
      epoch: 3,
      source: 1,
      destination: 0,
      sequence: 258,
      phase: 2,
      payload: Buffer.from('hi'),
    });
    expect(bytes.toString('hex')).toBe(
      '44434f4c' + '01' + '06' + '0000' + '00000000' + '03000000' + // magic, version, type, flags, group, epoch
        '0201000000000000' + '00000000' + '0100' + '0000' + // sequence, signature, source, destination
        '0200' + '0000' + '00000000' + '0000000000000000' + '02000000' + '00000000' + '0000000000000000' + '6869',
    ); // biome-ignore format: one line a row of the table
  });

  test('survives any cutting of the stream', () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 8 }), fc.array(fc.nat(200)), (frames, cuts) => {
        const stream = Buffer.concat(frames.map(encodeFrame));
        const reader = new FrameReader();
        const read = [];
        let at = 0;
        for (const cut of [...cuts, stream.length]) {
          read.push(...reader.push(stream.subarray(at, at + cut)));
          at = Math.min(at + cut, stream.length);
        }
        expect(read.map((f) => ({ ...f, payload: [...f.payload] }))).toEqual(
          frames.map((f) => ({ ...f, payload: [...f.payload] })),
        );
        expect(reader.broken).toBeUndefined();
      }),
    );
  });

  test('is refused by its sender where it is too long', () => {
    expect(() => encodeFrame({ type: 'hello', epoch: 0, source: 0, destination: 0, payload: new Uint8Array(4097) })).toThrow(
      RangeError,
    );
  });
});

describe('a stream of anything', () => {
  test('never makes the reader throw, or hold more than a header and the longest payload', () => {
    const longest = HEADER_BYTES + Math.max(...Object.values(payloadLimit));
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.uint8Array({ maxLength: 200 }), anyFrame.map(encodeFrame)), { maxLength: 20 }),
        (chunks) => {
          const reader = new FrameReader();
          for (const chunk of chunks)
            for (const frame of reader.push(chunk)) expect(frame.payload.length).toBeLessThanOrEqual(longest);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['a web page', Buffer.from(`GET / HTTP/1.1\r\nHost: localhost\r\n\r\n${' '.repeat(64)}`), /does not speak/],
    ['another version', patched(4, 9), /version 9/],
    ['an unknown type', patched(5, 200), /type 200/],
    ['a length beyond the limit', patched(50, 255), /longer than/],
  ])('%s is refused with the reason, and nothing is read after it', (_what, bytes, reason) => {
    const reader = new FrameReader();
    expect(reader.push(bytes)).toEqual([]);
    expect(reader.broken).toMatch(reason);
    expect(reader.push(encodeFrame({ type: 'bye', epoch: 0, source: 0, destination: 0 }))).toEqual([]);
    expect(decodeHeader(bytes)).toMatch(reason);
  });
});

function patched(at: number, value: number): Buffer {
  const bytes = encodeFrame({ type: 'heartbeat', epoch: 0, source: 1, destination: 0 });
  bytes[at] = value;
  return bytes;
}
