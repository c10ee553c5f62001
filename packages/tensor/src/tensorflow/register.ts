import { findBackend, findBackendFactory, type KernelBackend, registerBackend } from '@tensorflow/tfjs-core';
import { TensorError } from '../errors.ts';
import type { TensorFlowFiles } from '../provision/find-tensorflow.ts';
import { type PrepareOptions, prepareTensorFlow } from '../provision/prepare.ts';
import type { NodeBackend } from './backend.ts';
import { createBinding } from './binding.ts';
import type { ContextSettings } from './config-proto.ts';
import { startTensorFlow } from './context.ts';
import { loadNodeKernels, restoreUtil } from './node-kernels.ts';

/** The backend `tensorflow` as it runs in this process. */
export interface RegisteredTensorFlow {
  readonly version: string;
  /** The file of the C API; for `@tensorflow/tfjs-node`'s own addon, that package's name. */
  readonly library: string;
  readonly usesGpu: boolean;
  /** Whether it runs on this package's binding; else somebody registered it before, and flat copies take the slow road. */
  readonly ours: boolean;
  /** What was loaded; undefined where somebody else did it. */
  readonly files?: TensorFlowFiles;
  readonly settings: ContextSettings;
}

/** As the package's own entry has it: ahead of the JavaScript and WebAssembly backends. */
const PRIORITY = 3;

let registered: RegisteredTensorFlow | undefined;

/**
 * Registers TensorFlow.js's node kernels over this package's binding as the backend `tensorflow`, once for a process. Where
 * `@tensorflow/tfjs-node` has registered its own before, that one stays.
 *
 * @throws {TensorError} `engine-not-found`, `bad-library`, `tensorflow-error`; `backend-fixed` when called again with other settings.
 */
export async function registerTensorFlow(settings: ContextSettings, options: PrepareOptions = {}): Promise<RegisteredTensorFlow> {
  registered ??= foreign();
  if (registered !== undefined) return sameSettings(registered, settings);
  const files = await prepareTensorFlow(options);
  // While files were looked for, another call may have come first.
  if (registered !== undefined) return sameSettings(registered, settings);
  const Backend = loadNodeKernels();
  // Other processes may use the GPU too, other ranks among them.
  const complete = { gpuMemoryGrowth: true, ...settings };
  const tensorflow = startTensorFlow(files, complete);
  const backend = new Backend(createBinding(tensorflow), '@tensorflow/tfjs-node');
  registerBackend('tensorflow', () => backend as unknown as KernelBackend, PRIORITY);
  const { version, usesGpu } = tensorflow;
  registered = { version, library: files.library, usesGpu, ours: true, files, settings: complete };
  return registered;
}

/** A backend of that name which somebody else registered. */
function foreign(): RegisteredTensorFlow | undefined {
  if (findBackendFactory('tensorflow') === null) return undefined;
  restoreUtil();
  const { binding } = (findBackend('tensorflow') ?? {}) as Partial<NodeBackend>;
  return {
    version: binding?.TF_Version ?? 'unknown',
    library: '@tensorflow/tfjs-node',
    usesGpu: binding?.isUsingGpuDevice() ?? false,
    ours: binding !== undefined && 'copyOut' in binding,
    settings: {},
  };
}

function sameSettings(running: RegisteredTensorFlow, wanted: ContextSettings): RegisteredTensorFlow {
  const differs = (key: keyof ContextSettings) => wanted[key] !== undefined && wanted[key] !== running.settings[key];
  if (!differs('threads') && !differs('gpuMemoryGrowth')) return running;
  const got = `threads ${running.settings.threads ?? 'as TensorFlow likes'}, gpuMemoryGrowth ${running.settings.gpuMemoryGrowth ?? false}`;
  throw new TensorError(
    'backend-fixed',
    `useBackend: TensorFlow runs already with ${got}, and takes settings only once a process. ` +
      (running.ours
        ? 'Ask for the same, or call useBackend() with these settings first.'
        : '@tensorflow/tfjs-node started it: call useBackend() before importing that package.'),
    { running: running.settings, wanted },
  );
}
