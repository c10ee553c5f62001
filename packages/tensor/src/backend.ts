import { availableParallelism } from 'node:os';
import { findBackendFactory, setBackend } from '@tensorflow/tfjs-core';
import { TensorError } from './errors.ts';
import { visibleDevices } from './provision/choose-gpu.ts';
import { type PrepareOptions, searchTensorFlow } from './provision/prepare.ts';
import type { ContextSettings } from './tensorflow/config-proto.ts';
import { noGpuError } from './tensorflow/no-gpu.ts';
import { type RegisteredTensorFlow, registerTensorFlow } from './tensorflow/register.ts';
import { registerFileAddresses } from './tensorflow/tf-node.ts';
import { registerWasm } from './wasm/register.ts';

/** Which TensorFlow.js backend is to run, and how. */
export interface BackendOptions extends ContextSettings, PrepareOptions {
  /**
   * `tensorflow`; `tensorflow-gpu`, the same on an NVIDIA GPU, each rank its own; `wasm`, which needs no native library; `auto`, the default:
   * `tensorflow` where it can be had, else `wasm`; any other is a backend that was registered before. `SHAMPOO_BACKEND` overrules it.
   */
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
 * @throws {TensorError} `engine-not-found`, with what was tried and what to do; `no-gpu`; `bad-library`; `unknown-backend`; `backend-fixed`; `bad-argument`.
 */
export async function useBackend(options: BackendOptions = {}): Promise<Backend> {
  const { threads } = options;
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    throw new TensorError('bad-argument', `useBackend: threads is ${threads}, expected a whole number of at least 1.`, {
      threads,
    });
  }
  const backend = await make(options);
  registerFileAddresses();
  return backend;
}

async function make(options: BackendOptions): Promise<Backend> {
  const wanted = wantedBackend(options);
  if (wanted === 'wasm') return useWasm([]);
  if (wanted === 'tensorflow') return useTensorFlow(options);
  if (wanted === 'tensorflow-gpu') return useGpu(options);
  if (wanted !== 'auto') return useRegistered(wanted);
  try {
    return await useTensorFlow(options);
  } catch (error) {
    if (!(error instanceof TensorError && error.code === 'engine-not-found')) throw error;
    return useWasm([`${error.message} Until then WebAssembly serves, on one thread and several times slower.`]);
  }
}

/** The name of the backend that `useBackend` would take, found out without loading it. */
export async function whichBackend(options: BackendOptions = {}): Promise<string> {
  const wanted = wantedBackend(options);
  if (wanted !== 'auto') return wanted;
  return (await searchTensorFlow(options)).found === undefined ? 'wasm' : 'tensorflow';
}

const wantedBackend = ({ backend, environment = process.env }: BackendOptions): string =>
  environment['SHAMPOO_BACKEND'] || backend || 'auto';

async function useTensorFlow(options: BackendOptions): Promise<Backend> {
  return describe(await registered(options));
}

/** Each rank of a host takes the GPU of its number; see `visibleDevices`. */
async function useGpu(options: BackendOptions): Promise<Backend> {
  const devices = visibleDevices(options.environment ?? process.env);
  // CUDA reads the process's own environment, once, when it is loaded.
  if (devices !== undefined) process.env['CUDA_VISIBLE_DEVICES'] = devices;
  const running = await registered({ ...options, gpu: true });
  if (!running.usesGpu) throw noGpuError(running);
  return describe(running);
}

async function registered(options: BackendOptions): Promise<RegisteredTensorFlow> {
  const { threads, gpuMemoryGrowth } = options;
  const settings = {
    ...(threads === undefined ? {} : { threads }),
    ...(gpuMemoryGrowth === undefined ? {} : { gpuMemoryGrowth }),
  };
  const running = await registerTensorFlow(settings, options);
  await setBackend('tensorflow');
  return running;
}

function describe({ version, library, usesGpu, ours, settings }: RegisteredTensorFlow): Backend {
  const notes = ours
    ? []
    : ['@tensorflow/tfjs-node was loaded first and stays: raw operations are slower or absent, and threads are its own choice.'];
  return { name: 'tensorflow', version, library, threads: settings.threads ?? availableParallelism(), usesGpu, notes };
}

async function useWasm(notes: readonly string[]): Promise<Backend> {
  const library = await registerWasm();
  await quietly(() => setBackend('wasm'));
  return { name: 'wasm', version: '', library, threads: 1, usesGpu: false, notes };
}

/** The backend's module, when it starts, listens for errors that nobody catches, only to throw them again with its own source before them. */
async function quietly(start: () => Promise<unknown>): Promise<void> {
  const events = ['uncaughtException', 'unhandledRejection'] as const;
  const before = events.map((event) => new Set(process.listeners(event as 'uncaughtException')));
  await start();
  for (const [i, event] of events.entries()) {
    for (const listener of process.listeners(event as 'uncaughtException'))
      if (!before[i]?.has(listener)) process.off(event, listener);
  }
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
