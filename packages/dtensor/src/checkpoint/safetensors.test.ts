import { seededRandom } from '@distributed-shampoo/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeSafetensors, encodeSafetensors, type NamedArray } from './safetensors.ts';

const joined = (parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

test('what is encoded comes back', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 }), { maxLength: 5 }),
      fc.string(),
      fc.integer(),
      (shapes, text, seed) => {
        const tensors: Record<string, NamedArray> = {};
        for (const [index, shape] of shapes.entries()) {
          const length = shape.reduce((a, b) => a * b, 1);
          const data = index % 2 === 0 ? seededRandom(seed).normals(length) : Int32Array.from({ length }, (_, i) => i - 3);
          tensors[`layer${index}.${text}`] = { shape, data };
        }
        expect(decodeSafetensors(joined(encodeSafetensors({ tensors, metadata: { text } })))).toEqual({
          tensors,
          metadata: { text },
        });
      },
    ),
  );
});

test('a Buffer, which shares its memory with others, is decoded like plain bytes', () => {
  const tensors = { a: { shape: [2], data: Float32Array.of(1, 2) }, b: { shape: [1], data: Float32Array.of(3) } };
  const shared = Buffer.concat([Buffer.from('in front of it'), ...encodeSafetensors({ tensors, metadata: {} })]).subarray(
    'in front of it'.length,
  );
  expect(decodeSafetensors(shared).tensors).toEqual(tensors);
});

test('the header is what the format says: length, JSON, offsets from the end of the header', () => {
  const bytes = joined(encodeSafetensors({ tensors: { w: { shape: [2], data: Float32Array.of(1, 2) } }, metadata: { a: 'b' } }));
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  expect(JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)))).toEqual({
    __metadata__: { a: 'b' },
    w: { dtype: 'F32', shape: [2], data_offsets: [0, 8] },
  });
  expect((8 + length) % 8).toBe(0);
  expect(new Float32Array(bytes.slice(8 + length).buffer)).toEqual(Float32Array.of(1, 2));
});

const file = (header: unknown, data = new Uint8Array(8)) => {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const front = new Uint8Array(8);
  new DataView(front.buffer).setBigUint64(0, BigInt(text.length), true);
  return joined([front, text, data]);
};

test.each([
  ['nothing', new Uint8Array(3)],
  ['a length beyond the file', file('{}').fill(255, 0, 7)],
  ['no JSON', file('{')],
  ['no object', file('[]')],
  ['an unknown type', file({ w: { dtype: 'F99', shape: [2], data_offsets: [0, 8] } })],
  ['bytes beyond the file', file({ w: { dtype: 'F32', shape: [3], data_offsets: [0, 12] } })],
  ['a shape that does not fit', file({ w: { dtype: 'F32', shape: [3], data_offsets: [0, 8] } })],
  ['a negative offset', file({ w: { dtype: 'F32', shape: [2], data_offsets: [-4, 4] } })],
  ['an entry that is none', file({ w: 5 })],
])('%s is refused', (_what, bytes) => {
  expect(() => decodeSafetensors(bytes)).toThrow(expect.objectContaining({ code: 'bad-file' }));
});

test('random damage never does worse than a refusal', () => {
  const whole = joined(encodeSafetensors({ tensors: { w: { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) } }, metadata: {} }));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }), (changes) => {
      const damaged = whole.slice();
      for (const [at, value] of changes) damaged[at] = value;
      try {
        decodeSafetensors(damaged);
      } catch (error) {
        expect(error).toMatchObject({ code: 'bad-file' });
      }
    }),
  );
});
