import { createRequire } from 'node:module';
import util from 'node:util';
import { TensorError } from '../errors.ts';
import type { NodeBackend } from './backend.ts';
import type { TensorFlowBinding } from './binding.ts';

const require = createRequire(import.meta.url);

/** The two files of `@tensorflow/tfjs-node` that hold its kernels; its entry would load the native addon. */
const PACKAGE = '@tensorflow/tfjs-node';

/** What `NodeJSKernelBackend` of the package takes. */
type BackendClass = new (binding: TensorFlowBinding, packageName: string) => NodeBackend;

/**
 * Loads TensorFlow.js's node kernels without their addon, and with TensorFlow.js's gradients, which they bring along.
 *
 * @returns the class of their backend.
 * @throws {TensorError} `engine-not-found` when the package isn't installed.
 */
export function loadNodeKernels(): BackendClass {
  loadOfNodePackage('register_all_kernels');
  return loadOfNodePackage<{ NodeJSKernelBackend: BackendClass }>('nodejs_kernel_backend').NodeJSKernelBackend;
}

/** Loads a file of the package, by its name below `dist/`; none of those that are asked for touches the addon. @throws as above. */
export function loadOfNodePackage<Module>(name: string): Module {
  restoreUtil();
  try {
    return require(`${PACKAGE}/dist/${name}`) as Module;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    throw new TensorError(
      'engine-not-found',
      `${PACKAGE}: not installed, and its files are needed. Run: npm install --ignore-scripts ${PACKAGE}`,
      {
        cause: error,
      },
    );
  }
}

/** The package calls two functions of `node:util` that newer Node.js warn about, and Node.js 23 removed. These are the same without the warning. */
export function restoreUtil(): void {
  Object.assign(util, {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: Array.isArray,
  });
}
