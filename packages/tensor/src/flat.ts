import { type Tensor, tensor as tensorOf } from '@tensorflow/tfjs-core';
import { TensorError } from './errors.ts';
import { checkRuns, elementsOf, forEachRow, type Run } from './runs.ts';
import { tensorflowMemory } from './tensorflow/memory.ts';

/**
 * `target <- tensor`, run by run: gradients into the flat buffer.
 *
 * On the `tensorflow` backend one copy from TensorFlow's memory to the target's, which may be shared; elsewhere by way of `dataSync`.
 *
 * @param target elements outside the runs stay as they are.
 * @param tensor float32, of any shape.
 * @throws {TensorError} `bad-argument` for a tensor that isn't float32, or a run that leaves tensor or target.
 */
export function packTensor(target: Float32Array, tensor: Tensor, runs: readonly Run[]): void {
  checkFloat32(tensor.dtype, 'packTensor');
  checkRuns(runs, { tensorSize: tensor.size, bufferSize: target.length }, 'packTensor');
  if (tensorflowMemory()?.copyOut(tensor, target, runs)) return;
  const values = tensor.dataSync<'float32'>();
  forEachRow(runs, (from, to, length) => target.set(values.subarray(from, from + length), to));
}

/**
 * A fresh tensor out of runs of a flat buffer: the way back of `packTensor`. It shares no memory with the buffer, nor with any other tensor.
 *
 * @param runs must cover the tensor, each element once. Only their number of elements is checked.
 * @throws {TensorError} `bad-argument` for runs that leave tensor or source, or that move more or fewer elements than the shape has.
 */
export function unpackTensor(source: Float32Array, shape: readonly number[], runs: readonly Run[]): Tensor {
  const size = shape.reduce((product, n) => product * n, 1);
  checkRuns(runs, { tensorSize: size, bufferSize: source.length }, 'unpackTensor');
  if (elementsOf(runs) !== size) {
    throw new TensorError(
      'bad-argument',
      `unpackTensor: runs hold ${elementsOf(runs)} elements, shape [${shape.join(', ')}] has ${size}.`,
      {
        shape,
      },
    );
  }
  const fresh = tensorflowMemory()?.copyIn(source, shape, runs);
  if (fresh !== undefined) return fresh;
  const values = new Float32Array(size);
  forEachRow(runs, (to, from, length) => values.set(source.subarray(from, from + length), to));
  return tensorOf(values, [...shape], 'float32');
}

function checkFloat32(type: string, who: string): void {
  if (type !== 'float32')
    throw new TensorError(
      'bad-argument',
      `${who}: got a tensor of ${type}, only float32 goes into a flat buffer. Cast it first.`,
      { type },
    );
}
