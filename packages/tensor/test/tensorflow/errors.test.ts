import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { attribute, executeRaw, TensorError } from '../../src/index.ts';
import { currentBinding, startBackends } from '../backends.ts';

beforeAll(startBackends);

/** The error that `f` throws, and the tensors that it leaves. */
const failure = (f: () => unknown): { error: TensorError; left: number } => {
  const held = () => (tf.getBackend() === 'tensorflow' ? currentBinding().getNumOfTensors() : 0);
  const before = held();
  try {
    tf.tidy(() => {
      f();
    });
  } catch (error) {
    return { error: error as TensorError, left: held() - before };
  }
  throw new Error('expected an error');
};

const T = attribute.type('T', 'float32');

describe("TensorFlow's errors are JavaScript's, name the operation and leave nothing behind", () => {
  const failing: Record<string, [operation: string, f: () => unknown, says: RegExp]> = {
    'an operation that there is not': ['NoSuchOp', () => executeRaw('NoSuchOp', []), /NoSuchOp/],
    'shapes that do not fit': [
      'MatMul',
      () => executeRaw('MatMul', [tf.ones([2, 3]), tf.ones([2, 3])], { attributes: [T] }),
      /\[2,3\]/,
    ],
    'an input too few': ['AddV2', () => executeRaw('AddV2', [tf.ones([2])], { attributes: [T] }), /AddV2/],
    'an input too many': ['Relu', () => executeRaw('Relu', [tf.ones([2]), tf.ones([2])], { attributes: [T] }), /Relu/],
    'a type that an input does not have': [
      'AddV2',
      () => executeRaw('AddV2', [tf.ones([2]), tf.ones([2], 'int32')], { attributes: [T] }),
      /int32/,
    ],
    'a shape that a tensor does not have': [
      'EnsureShape',
      () => executeRaw('EnsureShape', [tf.ones([2])], { attributes: [T, attribute.shape('shape', [3])] }),
      /\[2\].*\[3\]/,
    ],
    'room for too few results': [
      'Unpack',
      () => executeRaw('Unpack', [tf.ones([3])], { attributes: [T, attribute.int('num', 3)], outputs: 1 }),
      /3/,
    ],
    'a kernel of TensorFlow.js': [
      'ScatterNd',
      () => tf.scatterND(tf.tensor2d([[9]], [1, 1], 'int32'), tf.tensor1d([1]), [3]),
      /9/,
    ],
  };

  test.each(Object.keys(failing))('%s', (name) => {
    const [operation, f, says] = failing[name] as (typeof failing)[string];
    const { error, left } = failure(f);
    expect(error).toBeInstanceOf(TensorError);
    expect([error.code, error.details['operation']]).toEqual(['tensorflow-error', operation]);
    expect(error.message).toMatch(says);
    expect(error.message).toMatch(new RegExp(`^TensorFlow's ${operation}: `));
    expect(error.message).not.toContain('function_node');
    expect(left).toBe(0);
  });

  test('the next operation runs as if nothing had been', () => {
    failure(() => executeRaw('NoSuchOp', []));
    expect(tf.add([1], [2]).dataSync()).toEqual(new Float32Array([3]));
  });
});

describe('misuse is refused before it reaches TensorFlow', () => {
  let binding: ReturnType<typeof currentBinding>;
  beforeEach(() => {
    binding = currentBinding();
  });

  test('a tensor that was freed', () => {
    const id = binding.createTensor([1], 1, new Float32Array(1));
    binding.deleteTensor(id);
    for (const use of [
      () => binding.deleteTensor(id),
      () => binding.tensorDataSync(id),
      () => binding.executeOp('Relu', [T], [id], 1),
    ]) {
      expect(failure(use).error.code).toBe('unknown-tensor');
    }
  });

  test.each([
    ['too few values', [2, 2], 1, new Float32Array(3)],
    ['the wrong kind of array', [2], 1, new Int32Array(2)],
    ['bytes where strings belong', [1], 7, new Uint8Array(1)],
    ['int64 of whole numbers instead of halves', [2], 9, new Int32Array(2)],
    ['too few strings', [2], 7, [new Uint8Array(1)]],
    ['strings where numbers belong', [1], 1, [new Uint8Array(1)]],
  ])('%s', (_, shape, type, values) => {
    const { error, left } = failure(() => binding.createTensor(shape, type, values));
    expect([error instanceof TensorError, left]).toEqual([true, 0]);
    expect(['bad-argument', 'unsupported']).toContain(error.code);
  });

  test('types that JavaScript has no array for', () => {
    const [half] = binding.executeOp(
      'Cast',
      [{ ...attribute.type('SrcT', 'float32') }, { name: 'DstT', type: 4, value: 19 }],
      [binding.createTensor([1], 1, new Float32Array(1))],
      1,
    );
    expect(failure(() => binding.tensorDataSync(half?.id ?? -1)).error.code).toBe('unsupported');
  });

  test('kinds of attribute that there are not', () => {
    expect(
      failure(() => executeRaw('Relu', [tf.ones([1])], { attributes: [{ name: 'T', type: 77, value: 1 }] })).error.code,
    ).toBe('unsupported');
  });

  test('saved models that there are not', () => {
    expect(failure(() => binding.runSavedModel(99, [], '', '')).error.code).toBe('unknown-model');
  });
});

test('raw operations need this backend', async () => {
  await tf.setBackend('cpu');
  expect(failure(() => executeRaw('Relu', [tf.ones([1])], { attributes: [T] })).error.code).toBe('unsupported');
  await tf.setBackend('tensorflow');
});
