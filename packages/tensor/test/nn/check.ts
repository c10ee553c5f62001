import { expectClose, seededRandom, type Tolerance } from '@distributed-shampoo/testing';
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { on } from '../backends.ts';
import { type Case, type Numbers, numericGradients } from './reference.ts';

/** float32 sums of some hundred products of size 1, in an order that the kernel chooses, against float64. */
export const sums: Tolerance = { name: 'float32 sums', absolute: 5e-5, relative: 5e-4 };

/** An operation and its reference, on inputs of some shapes. */
export interface Checked {
  readonly shapes: readonly (readonly number[])[];
  readonly operation: (...inputs: tf.Tensor[]) => tf.Tensor;
  readonly reference: Case['f'];
  readonly seed?: number;
  /** Maps normal random numbers to inputs; default: as they are. */
  readonly input?: (value: number, input: number) => number;
}

/** Asserts that values and gradients are those of the reference, on TensorFlow by raw operations, on WebAssembly and the JavaScript backend composed. */
export async function expectRightGradients({ shapes, operation, reference, seed = 1, input = (v) => v }: Checked): Promise<void> {
  const random = seededRandom(seed);
  // float32 numbers, so that both sides start from the same.
  const inputs: Numbers[] = shapes.map((shape, k) =>
    Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => Math.fround(input(random.normal(), k))),
  );
  const expected = reference(inputs);
  const weights = Float32Array.from(expected, () => random.normal());
  const expectedGradients = numericGradients({ inputs, f: reference }, weights);
  for (const backend of ['tensorflow', 'wasm', 'cpu'] as const) {
    const [y, ...gradients] = await on(backend, () => {
      const tensors = inputs.map((x, k) => tf.tensor(Float32Array.from(x), [...(shapes[k] as number[])]));
      const value = operation(...tensors);
      const weighted = (...xs: tf.Tensor[]) => tf.sum(tf.mul(operation(...xs), tf.tensor(weights, value.shape))) as tf.Scalar;
      return [value, ...tf.grads(weighted)(tensors)];
    });
    expectClose(y!.values, expected, sums, `${backend}: value`);
    gradients.forEach(({ values, shape }, k) => {
      expect(shape).toEqual(shapes[k]);
      expectClose(values, expectedGradients[k] as Numbers, sums, `${backend}: gradient of input ${k}`);
    });
  }
}
