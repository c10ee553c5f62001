import { seededRandom } from '@distributed-shampoo/testing';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { packTensor, type Run, TensorError, unpackTensor, wholeRun } from '../src/index.ts';
import { currentBinding, startBackends } from './backends.ts';

beforeAll(startBackends);

/** How a matrix is cut into blocks that lie one after the other in a buffer, from some offset on. */
function blockRuns([rows, columns]: [number, number], block: number, offset: number): Run[] {
  const runs: Run[] = [];
  for (let top = 0; top < rows; top += block) {
    for (let left = 0; left < columns; left += block) {
      const [count, length] = [Math.min(block, rows - top), Math.min(block, columns - left)];
      runs.push({
        tensorOffset: top * columns + left,
        bufferOffset: offset,
        length,
        count,
        tensorStride: columns,
        bufferStride: length,
      });
      offset += length * count;
    }
  }
  return runs;
}

const sizes = fc.integer({ min: 1, max: 40 });

describe.each(['tensorflow', 'cpu'])('on %s', (name) => {
  beforeAll(async () => {
    await tf.setBackend(name);
  });

  test('unpack(pack(x)) = x for matrices in blocks of any size, and the rest of the buffer is untouched', () => {
    fc.assert(
      fc.property(sizes, sizes, sizes, fc.integer({ min: 0, max: 9 }), fc.integer(), (rows, columns, block, offset, seed) =>
        tf.tidy(() => {
          const values = seededRandom(seed).normals(rows * columns);
          const buffer = new Float32Array(rows * columns + offset + 3).fill(7);
          const runs = blockRuns([rows, columns], block, offset);
          packTensor(buffer, tf.add(tf.tensor2d(values, [rows, columns]), 0), runs);
          expect(buffer.subarray(0, offset).every((v) => v === 7)).toBe(true);
          expect(buffer.subarray(-3).every((v) => v === 7)).toBe(true);
          const back = unpackTensor(buffer, [rows, columns], runs);
          expect(back.shape).toEqual([rows, columns]);
          expect(back.dataSync()).toEqual(values);
        }),
      ),
    );
  });

  test('a block lies row by row in the buffer', () => {
    const buffer = new Float32Array(4);
    const run = { tensorOffset: 4, bufferOffset: 0, length: 2, count: 2, tensorStride: 3, bufferStride: 2 };
    packTensor(
      buffer,
      tf.tensor2d([
        [0, 1, 2],
        [3, 4, 5],
        [6, 7, 8],
      ]),
      [run],
    );
    expect([...buffer]).toEqual([4, 5, 7, 8]);
  });

  test('shared memory serves as any other', () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const buffer = new Float32Array(memory.buffer, 64, 6);
    packTensor(buffer, tf.tensor1d([1, 2, 3]), [wholeRun(3, 2)]);
    expect([...buffer]).toEqual([0, 0, 1, 2, 3, 0]);
    expect([...unpackTensor(buffer, [3], [wholeRun(3, 2)]).dataSync()]).toEqual([1, 2, 3]);
  });

  test('an unpacked tensor has memory of its own', () => {
    const buffer = new Float32Array([1, 2]);
    const first = unpackTensor(buffer, [2], [wholeRun(2, 0)]);
    const reshaped = tf.reshape(first, [2, 1]);
    buffer.fill(9);
    unpackTensor(buffer, [2], [wholeRun(2, 0)]);
    expect([...first.dataSync(), ...reshaped.dataSync()]).toEqual([1, 2, 1, 2]);
  });

  test('a scalar and an empty tensor', () => {
    const buffer = new Float32Array(1);
    packTensor(buffer, tf.scalar(5), [wholeRun(1, 0)]);
    expect(unpackTensor(buffer, [], [wholeRun(1, 0)]).dataSync()).toEqual(new Float32Array([5]));
    packTensor(buffer, tf.zeros([0, 3]), []);
    expect(unpackTensor(buffer, [0, 3], [wholeRun(0, 0)]).shape).toEqual([0, 3]);
  });

  test('values that TensorFlow has not seen yet', () => {
    const buffer = new Float32Array(2);
    packTensor(buffer, tf.tensor1d([3, 4]), [wholeRun(2, 0)]);
    expect([...buffer]).toEqual([3, 4]);
  });

  const run = wholeRun(4, 0);
  test.each<[string, Run]>([
    ['beyond the tensor', { ...run, tensorOffset: 1 }],
    ['beyond the buffer', { ...run, bufferOffset: 1 }],
    ['beyond by its stride', { ...run, length: 1, count: 2, tensorStride: 4 }],
    ['before the start', { ...run, bufferOffset: -1 }],
    ['backwards', { ...run, length: 1, count: 2, bufferStride: -1 }],
    ['at half an element', { ...run, length: 2, tensorOffset: 0.5 }],
    ['nowhere', { ...run, length: Number.NaN }],
  ])('a run that reaches %s is refused', (_, bad) => {
    const buffer = new Float32Array(4);
    expect(() => packTensor(buffer, tf.ones([4]), [bad])).toThrow(TensorError);
    expect(() => unpackTensor(buffer, [4], [bad])).toThrow(TensorError);
  });

  test('runs that do not cover a tensor are refused', () => {
    expect(() => unpackTensor(new Float32Array(4), [4], [wholeRun(3, 0)])).toThrow(/hold 3 elements.*has 4/);
  });

  test('only float32 goes into a flat buffer', () => {
    expect(() => packTensor(new Float32Array(1), tf.ones([1], 'int32'), [wholeRun(1, 0)])).toThrow(/int32/);
  });
});

test('a tensor of another backend packs too', async () => {
  await tf.setBackend('cpu');
  const x = tf.tensor1d([1, 2]);
  await tf.setBackend('tensorflow');
  const buffer = new Float32Array(2);
  packTensor(buffer, x, [wholeRun(2, 0)]);
  expect([...buffer]).toEqual([1, 2]);
});

test('no handle is left, after errors neither', async () => {
  await tf.setBackend('tensorflow');
  const before = currentBinding().getNumOfTensors();
  tf.tidy(() => {
    const buffer = new Float32Array(6);
    packTensor(buffer, unpackTensor(buffer, [2, 3], blockRuns([2, 3], 2, 0)), blockRuns([2, 3], 2, 0));
    expect(() => unpackTensor(buffer, [7], [wholeRun(7, 0)])).toThrow();
  });
  expect(currentBinding().getNumOfTensors()).toBe(before);
});
