import { seededRandom } from '@distributed-shampoo/testing';
import { describe, expect, test } from 'vitest';
import type { ReduceOp, ReducibleType } from '../elements.ts';
import { kernelsOver, SCRATCH_BYTES } from './kernels.ts';
import { type Numbers, reduceScalar } from './scalar.ts';

const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array } as const;
const lengths = [0, 1, 15, 16, 17, 1000, 5001]; // elements: below, at and above a turn of 64 bytes, and above the scratch

/** Values that show every rounding: normals, and for floats zeros of both signs, infinity and NaN. */
function inputsOf(type: ReducibleType, size: number, length: number): Numbers[] {
  const random = seededRandom(97 * size + length);
  const special = [0, -0, Infinity, NaN];
  const value = () => {
    if (type === 'int32') return random.integer(-(2 ** 31), 2 ** 31 - 1);
    const which = random.integer(0, 40);
    return which < special.length ? special[which]! : random.normal();
  };
  return Array.from({ length: size }, () => new arrays[type](Array.from({ length }, value)));
}

/** Bits as text, with all NaN alike: which NaN comes out of an addition is the processor's business. */
const bits = (x: Numbers): string => {
  const alike = x.slice();
  for (let i = 0; i < alike.length; i++) if (Number.isNaN(alike[i])) alike[i] = NaN;
  return Buffer.from(alike.buffer as ArrayBuffer).toString('hex');
};

describe.each([2, 3, 4, 5, 6, 7, 8, 9, 16, 23])('%i inputs', (size) => {
  const most = lengths.at(-1)! * 8;
  const memory = new WebAssembly.Memory({
    initial: Math.ceil(((size + 1) * (most + 64)) / 65536) + 1,
    maximum: 512,
    shared: true,
  });
  const room = { float32: 4, float64: 8, int32: 4 };
  // Odd multiples of the element, so that nothing happens to be aligned.
  const addressOf = (r: number, type: ReducibleType) => SCRATCH_BYTES + r * (most + 64) + room[type];

  const cases = (['float32', 'float64', 'int32'] as const).flatMap((type) =>
    (['sum', 'mean', 'min', 'max'] as const).filter((op) => !(op === 'mean' && type === 'int32')).map((op) => ({ type, op })),
  );

  test.each(cases)('$op of $type equals the rank-order oracle to the bit, to one and to all', ({ type, op }) => {
    for (const simd of [true, false]) {
      const kernels = kernelsOver(memory, { size, scratch: 0, simd });
      expect(kernels.simd).toBe(simd);
      for (const length of lengths) {
        const inputs = inputsOf(type, size, length);
        const expected = oracle(inputs, op, size);
        const what = { op, type, lengthBytes: length * room[type] };
        const view = (r: number) => new arrays[type](memory.buffer, addressOf(r, type), length);
        const addresses = inputs.map((_, r) => addressOf(r, type));
        const fill = () => {
          for (const [r, input] of inputs.entries()) view(r).set(input);
        };

        fill();
        view(size).fill(1);
        kernels.reduceToOne(addressOf(size, type), addresses, what);
        expect(bits(view(size))).toEqual(bits(expected));
        expect(inputs.map((_, r) => bits(view(r)))).toEqual(inputs.map(bits)); // untouched

        kernels.reduceToOne(addresses[1]!, addresses, what); // in place
        expect(bits(view(1))).toEqual(bits(expected));

        fill();
        kernels.reduceToAll(addresses, what);
        for (let r = 0; r < size; r++) expect(bits(view(r))).toEqual(bits(expected));
      }
    }
  });

  test('nothing is written outside of the range', () => {
    const kernels = kernelsOver(memory, { size, scratch: 0 });
    const bytes = new Uint8Array(memory.buffer).fill(0);
    const addresses = Array.from({ length: size }, (_, r) => addressOf(r, 'float32'));
    for (const at of addresses) new Float32Array(memory.buffer, at, 21).fill(1);
    kernels.reduceToAll(addresses, { op: 'sum', type: 'float32', lengthBytes: 84 });
    for (const at of addresses) {
      expect(bytes[at - 1]).toBe(0);
      expect(bytes[at + 84]).toBe(0);
      expect(new Float32Array(memory.buffer, at, 21)).toEqual(new Float32Array(21).fill(size));
    }
  });
});

test('a copy moves bytes, also between overlapping ranges', () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  for (const simd of [true, false]) {
    const bytes = new Uint8Array(memory.buffer);
    bytes.set([1, 2, 3, 4, 5], 10);
    kernelsOver(memory, { size: 2, scratch: 0, simd }).copy(12, 10, 5);
    expect([...bytes.slice(10, 17)]).toEqual([1, 2, 1, 2, 3, 4, 5]);
  }
});

function oracle(inputs: readonly Numbers[], op: ReduceOp, size: number): Numbers {
  const out = inputs[0]!.slice();
  reduceScalar([out], inputs, { op: op === 'mean' ? 'sum' : op, scale: op === 'mean' ? oneOver(inputs[0]!, size) : 1 });
  return out;
}

const oneOver = (x: Numbers, size: number) => (x instanceof Float32Array ? Math.fround(1 / size) : 1 / size);
