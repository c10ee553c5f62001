import { findBackendFactory, io } from '@tensorflow/tfjs-core';
import { TensorError } from '../errors.ts';
import { loadOfNodePackage } from './node-kernels.ts';

/** What `@tensorflow/tfjs-node` offers as `tf.node`: images, TensorBoard, saved models. */
export type TfNode = typeof import('@tensorflow/tfjs-node').node;

/**
 * `tf.node` without the addon: the package's own functions, over this package's binding.
 *
 *     const { decodeJpeg, encodePng, summaryFileWriter, tensorBoard } = tfNode();
 *
 * @throws {TensorError} `unsupported` before `useBackend()` has made TensorFlow the backend; `engine-not-found` when the package isn't installed.
 */
export function tfNode(): TfNode {
  if (findBackendFactory('tensorflow') === null) {
    throw new TensorError('unsupported', 'tfNode: its functions run on the backend "tensorflow"; call useBackend() first.');
  }
  return loadOfNodePackage<{ node: TfNode }>('node').node;
}

let registered = false;

/** What importing the package would have done besides: `file://` addresses for models. Once a process. */
export function registerNodeExtras(): void {
  if (registered) return;
  registered = true;
  const { nodeFileSystemRouter: router } = loadOfNodePackage<{
    nodeFileSystemRouter: Parameters<typeof io.registerLoadRouter>[0];
  }>('io/file_system');
  io.registerLoadRouter(router);
  io.registerSaveRouter(router);
}
