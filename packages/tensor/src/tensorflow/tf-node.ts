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
    throw new TensorError(
      'unsupported',
      'tfNode: its functions run on the backend "tensorflow", which is not there; call useBackend() first.',
    );
  }
  return loadOfNodePackage<{ node: TfNode }>('node').node;
}

/** What TensorFlow.js asks for a place to save to or load from; null for an address of another kind. */
type Router = Parameters<typeof io.registerLoadRouter>[0];

let registered = false;

/**
 * Lets `model.save('file://folder')` and `tf.loadLayersModel('file://folder/model.json')` work on any backend, by the files of
 * `@tensorflow/tfjs-node`, which are loaded when they are needed. Once a process.
 */
export function registerFileAddresses(): void {
  if (registered) return;
  registered = true;
  io.registerLoadRouter(fileRouter(io.getLoadHandlers));
  io.registerSaveRouter(fileRouter(io.getSaveHandlers));
}

/**
 * TensorFlow.js refuses an address that two routers know, and a process may import `@tensorflow/tfjs-node`, which registers its own, before or
 * after this. So this one steps aside where another takes the address.
 */
function fileRouter(handlers: (address: string | string[]) => unknown[]): Router {
  const another = null as unknown as io.IOHandler;
  let asking = false;
  return (address, options) => {
    if (asking || ![address].flat().every((one) => one.startsWith('file://'))) return another;
    asking = true;
    try {
      if (handlers(address).length > 0) return another;
    } finally {
      asking = false;
    }
    return loadOfNodePackage<{ nodeFileSystemRouter: Router }>('io/file_system').nodeFileSystemRouter(address, options);
  };
}
