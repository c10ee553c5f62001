import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { attribute, executeRaw } from '../../src/index.ts';
import { currentBinding, startBackends } from '../backends.ts';

beforeAll(startBackends);

// Handles are counted elsewhere; this looks at what only the operating system sees: memory that TensorFlow or the C library holds.

const residentMegabytes = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1000;

/** Growth of the process over many rounds, after as many to warm up: a steady program has none. */
const growth = (rounds: number, f: () => void): number => {
  for (let i = 0; i < rounds; i++) f();
  const before = residentMegabytes();
  for (let i = 0; i < rounds; i++) f();
  return residentMegabytes() - before;
};

describe.skipIf(process.platform !== 'linux')('memory does not grow', () => {
  test('over 200 MB of tensors made and freed', () => {
    const values = new Float32Array(250_000);
    const binding = currentBinding();
    const grown = growth(200, () => {
      const id = binding.createTensor([250_000], 1, values);
      binding.tensorDataSync(id);
      binding.deleteTensor(id);
    });
    expect(grown).toBeLessThan(60);
  });

  test('over 200 MB of long strings', () => {
    const strings = [new Uint8Array(1_000_000), new Uint8Array(3)];
    const grown = growth(200, () => {
      const id = currentBinding().createTensor([2], 7, strings);
      currentBinding().tensorDataSync(id);
      currentBinding().deleteTensor(id);
    });
    expect(grown).toBeLessThan(60);
  });

  test('over 40,000 operations that fail', () => {
    const x = tf.ones([2, 3]);
    const attributes = [attribute.type('T', 'float32')];
    const grown = growth(40_000, () => {
      try {
        executeRaw('MatMul', [x, x], { attributes });
      } catch {
        // That is the point.
      }
    });
    // An operation that is not deleted holds more than a kilobyte.
    expect(grown).toBeLessThan(20);
    x.dispose();
  });
});
