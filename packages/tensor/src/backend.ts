import { availableParallelism } from 'node:os';
import { findBackendFactory, setBackend } from '@tensorflow/tfjs-core';
import { TensorError } from './errors.ts';
import type { PrepareOptions } from './provision/prepare.ts';
import type { ContextSettings } from './tensorflow/config-proto.ts';
import { registerTensorFlow } from './tensorflow/register.ts';

/** Which TensorFlow.js backend is to run, and how. */
export interface BackendOptions extends ContextSettings, PrepareOptions {
  /** `auto` and `tensorflow` are TensorFlow; any other is a backend that was registered before. `SHAMPOO_BACKEND` overrules it. */
  readonly backend?: string;
}

/** The backend that runs from now on. */
export interface Backend {
  readonly name: string;
  /** TensorFlow's version; empty for backends that are plain JavaScript. */
  readonly version: string;
  /** The file of the native library; empty where there is none. */
  readonly library: string;
  readonly threads: number;
  readonly usesGpu: boolean;
  /** What a user should know, one sentence each. */
  readonly notes: readonly string[];
}

/**
 * Makes a TensorFlow.js backend ready and current. May be called again with the same settings.
 *
 * @throws {TensorError} `engine-not-found`, with what was tried and what to do; `unknown-backend`; `backend-fixed`; `bad-argument`.
 */
export async function useBackend(options: BackendOptions = {}): Promise<Backend> {
  const { threads, gpuMemoryGrowth } = options;
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    throw new TensorError('bad-argument', `useBackend: threads is ${threads}, expected a whole number of at least 1.`, {
      threads,
    });
  }
  const wanted = (options.environment ?? process.env)['SHAMPOO_BACKEND'] || options.backend || 'auto';
  if (wanted !== 'auto' && wanted !== 'tensorflow') return useRegistered(wanted);

  const settings = {
    ...(threads === undefined ? {} : { threads }),
    ...(gpuMemoryGrowth === undefined ? {} : { gpuMemoryGrowth }),
  };
  const { version, library, usesGpu, ours, settings: running } = await registerTensorFlow(settings, options);
  await setBackend('tensorflow');
  const notes = ours
    ? []
    : ['@tensorflow/tfjs-node was loaded first and stays: raw operations are slower or absent, and threads are its own choice.'];
  return { name: 'tensorflow', version, library, threads: running.threads ?? availableParallelism(), usesGpu, notes };
}

async function useRegistered(name: string): Promise<Backend> {
  if (findBackendFactory(name) === null || !(await setBackend(name))) {
    throw new TensorError(
      'unknown-backend',
      `useBackend: no backend "${name}" is registered. Use "tensorflow", or import the package that registers it first, as @tensorflow/tfjs-backend-${name}.`,
      { name },
    );
  }
  return { name, version: '', library: '', threads: 1, usesGpu: false, notes: [] };
}
