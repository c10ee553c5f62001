import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { attribute, executeRaw } from '../../src/index.ts';
import { currentBinding, startBackends } from '../backends.ts';

beforeAll(startBackends);

/** What comes back after TensorFlow itself has copied the values. */
const through = (x: tf.Tensor, type: 'float32' | 'int32' | 'bool' | 'complex64' | 'string') =>
  executeRaw('DeepCopy', [x], { attributes: [attribute.type('T', type)] })[0] as tf.Tensor;

describe('values come back to the bit', () => {
  test('float32, with its odd ones', () => {
    const values = new Float32Array([0, -0, 1.1, 3.4e38, 1e-45, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN]);
    const back = through(tf.tensor1d(values), 'float32').dataSync();
    expect(new Uint32Array(back.buffer)).toEqual(new Uint32Array(values.buffer));
  });

  test('int32, to its ends', () => {
    expect(through(tf.tensor1d([0, -1, 2147483647, -2147483648], 'int32'), 'int32').dataSync()).toEqual(
      new Int32Array([0, -1, 2147483647, -2147483648]),
    );
  });

  test('bool', () => {
    expect(through(tf.tensor2d([[true, false, true]]), 'bool').dataSync()).toEqual(new Uint8Array([1, 0, 1]));
  });

  test('complex64, real and imaginary parts side by side', () => {
    const z = through(tf.complex([1, 2], [3, -4]), 'complex64');
    expect([z.dtype, tf.real(z).dataSync(), tf.imag(z).dataSync()]).toEqual([
      'complex64',
      new Float32Array([1, 2]),
      new Float32Array([3, -4]),
    ]);
    const id = currentBinding().createTensor([1], 8, new Float32Array([5, 6]));
    expect(currentBinding().tensorDataSync(id)).toEqual(new Float32Array([5, 6]));
    currentBinding().deleteTensor(id);
  });

  test('strings: empty, short enough to lie in place, long, not ASCII', () => {
    const strings = ['', 'a', 'x'.repeat(22), 'x'.repeat(23), 'é漢🐙'.repeat(1000)];
    expect(through(tf.tensor(strings), 'string').dataSync()).toEqual(strings);
  });

  test('bytes in a string tensor that are no text', () => {
    const bytes = new Uint8Array([0, 255, 0, 128]);
    const id = currentBinding().createTensor([1], 7, [bytes]);
    expect(currentBinding().tensorDataSync(id)).toEqual([bytes]);
    currentBinding().deleteTensor(id);
  });

  test('int64, as low and high halves one way and as BigInt the other', () => {
    const id = currentBinding().createTensor([2], 9, new Int32Array([7, 0, -7, -1]));
    expect(currentBinding().tensorDataSync(id)).toEqual(new BigInt64Array([7n, -7n]));
    currentBinding().deleteTensor(id);
  });

  test('uint8 reads as int32, which TensorFlow.js takes it for', () => {
    const [bytes] = executeRaw('Cast', [tf.tensor1d([3, 250])], {
      attributes: [attribute.type('SrcT', 'float32'), attribute.type('DstT', 'uint8')],
    });
    expect([bytes?.dtype, bytes?.dataSync()]).toEqual(['int32', new Int32Array([3, 250])]);
  });
});

describe('shapes', () => {
  test.each([[[]], [[0]], [[3, 0, 2]], [[1]], [[2, 1, 1, 1, 1, 3]]])('%j', (shape: number[]) => {
    const size = shape.reduce((a, b) => a * b, 1);
    const values = Float32Array.from({ length: size }, (_, i) => i);
    const back = tf.tidy(() => through(tf.tensor(values, shape, 'float32'), 'float32'));
    expect([back.shape, back.dataSync()]).toEqual([shape, values]);
  });
});

describe('an attribute of every kind reaches TensorFlow', () => {
  const x = () =>
    tf.tensor2d([
      [1, 2, 3],
      [4, 5, 6],
    ]);
  const T = attribute.type('T', 'float32');

  test('type and bool', () => {
    const product = executeRaw('MatMul', [x(), x()], {
      attributes: [T, attribute.bool('transpose_a', false), attribute.bool('transpose_b', true)],
    });
    expect(product[0]?.dataSync()).toEqual(new Float32Array([14, 32, 32, 77]));
  });

  test('int', () => {
    const [split] = executeRaw('Unpack', [x()], {
      attributes: [T, attribute.int('num', 3), attribute.int('axis', 1)],
      outputs: 3,
    });
    expect(split?.dataSync()).toEqual(new Float32Array([1, 4]));
  });

  test('ints', () => {
    const [squeezed] = executeRaw('Squeeze', [tf.reshape(x(), [1, 2, 1, 3])], {
      attributes: [T, attribute.ints('squeeze_dims', [2])],
    });
    expect(squeezed?.shape).toEqual([1, 2, 3]);
  });

  test('float', () => {
    const [leaky] = executeRaw('LeakyRelu', [tf.tensor1d([-2, 2])], { attributes: [T, attribute.float('alpha', 0.25)] });
    expect(leaky?.dataSync()).toEqual(new Float32Array([-0.5, 2]));
  });

  test('floats', () => {
    const attributes = [T, attribute.floats('boundaries', [1.5, 4.5])];
    expect(executeRaw('Bucketize', [x()], { attributes })[0]?.dataSync()).toEqual(new Int32Array([0, 1, 1, 1, 2, 2]));
  });

  test('string', () => {
    const attributes = [attribute.string('separator', '—')];
    const [joined] = executeRaw('StringJoin', [tf.tensor('a'), tf.tensor('b')], {
      attributes: [attribute.int('N', 2), ...attributes],
    });
    expect(joined?.dataSync()).toEqual(['a—b']);
  });

  test('shape', () => {
    const attributes = [attribute.type('dtype', 'float32'), attribute.shape('shape', [2, 3])];
    expect(executeRaw('EnsureShape', [x()], { attributes: [T, attribute.shape('shape', [2, 3])] })[0]?.shape).toEqual([2, 3]);
    expect(() =>
      executeRaw('ImmutableConst', [], { attributes: [...attributes, attribute.string('memory_region_name', 'nowhere')] }),
    ).toThrow('ImmutableConst');
  });

  test('a device', () => {
    expect(executeRaw('Relu', [x()], { attributes: [T], device: '/device:CPU:0' })[0]?.dataSync()).toEqual(x().dataSync());
    expect(() => executeRaw('Relu', [x()], { attributes: [T], device: '/device:CPU:99' })).toThrow(/Relu.*CPU:99/);
  });
});
