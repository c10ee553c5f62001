import { createRequire } from 'node:module';
import { sep } from 'node:path';
import { findBackendFactory, version_core } from '@tensorflow/tfjs-core';
import { TensorError } from '../errors.ts';
import { wasmFiles } from './files.ts';
import { registerMissingKernels } from './kernels.ts';

let ready: Promise<string> | undefined;

/**
 * Registers TensorFlow.js's WebAssembly backend as `wasm`, from the files of its package: nothing is downloaded. It gets the gradients
 * that it lacks. One thread, as it has no others in Node.js.
 *
 * @returns the folder of its files.
 * @throws {TensorError} `bad-library` where the package can't be loaded.
 */
export function registerWasm(): Promise<string> {
  ready ??= load();
  return ready;
}

async function load(): Promise<string> {
  const require = createRequire(import.meta.url);
  try {
    const { folder } = wasmFiles();
    // By require: these packages' ES modules are written without the file extensions that Node.js asks for. The first brings the gradients, which the
    // core alone lacks.
    require('@tensorflow/tfjs');
    const { setWasmPaths } = require('@tensorflow/tfjs-backend-wasm') as typeof import('@tensorflow/tfjs-backend-wasm');
    if (findBackendFactory('wasm') === null)
      throw new Error(`it registered itself with another TensorFlow.js than this package's, ${version_core}`);
    setWasmPaths(folder + sep);
    registerMissingKernels();
    return folder;
  } catch (cause) {
    ready = undefined;
    throw new TensorError(
      'bad-library',
      `useBackend: the wasm backend doesn't load: ${(cause as Error).message}. Install one copy of @tensorflow/tfjs-core and @tensorflow/tfjs-backend-wasm of the same version.`,
      { cause },
    );
  }
}
