import { join } from 'node:path';
import { TensorError } from '../errors.ts';
import { cacheFolder, gpuFolder } from './cache.ts';
import { cudaWheels } from './cuda-wheels.ts';
import { fetchTogether } from './fetch-together.ts';
import { fetchWheel } from './fetch-wheel.ts';
import { blasInWheel, blasPlaces, systemBlasPlaces } from './find-blas.ts';
import { gpuTensorflowPlaces, type TensorFlowFiles, tensorflowIn, tensorflowPlaces } from './find-tensorflow.ts';
import { type Blas, probeBlas } from './probe-blas.ts';
import { type Report, silent } from './report.ts';
import { type Attempt, describeAttempts, type Place, type Search, search } from './search.ts';
import { blasWheels, type Target, tensorflowWheels, thisTarget, type Wheel } from './wheels.ts';

/** How engines are looked for. */
export interface PrepareOptions {
  /** Whether what is missing may be downloaded. Default: no. */
  readonly fetch?: boolean;
  /** Whether TensorFlow is to be one for NVIDIA GPUs. Default: no. */
  readonly gpu?: boolean;
  readonly environment?: NodeJS.ProcessEnv;
  readonly report?: Report;
}

/** Looks for TensorFlow, and fetches it if that is allowed. Never throws: what was tried comes back. */
export function searchTensorFlow(options: PrepareOptions = {}): Promise<Search<TensorFlowFiles>> {
  const environment = options.environment ?? process.env;
  if (options.gpu) return search([...gpuTensorflowPlaces(environment), downloadGpu(options)]);
  return search([...tensorflowPlaces(environment), download(tensorflowWheels, tensorflowIn, options)]);
}

/** Looks for OpenBLAS, and fetches it if that is allowed. Never throws: what was tried comes back. */
export function searchBlas(options: PrepareOptions = {}): Promise<Search<Blas>> {
  const environment = options.environment ?? process.env;
  const fetched = (folder: string) => ({ found: probeBlas(blasInWheel(folder)) });
  return search([...blasPlaces(environment), download(blasWheels, fetched, options), ...systemBlasPlaces()]);
}

function download<Thing>(
  wheels: Readonly<Record<Target, Wheel>>,
  look: (folder: string) => ReturnType<Place<Thing>['look']>,
  options: PrepareOptions,
): Place<Thing> {
  const { fetch = false, environment = process.env, report = silent } = options;
  return {
    place: 'download',
    async look() {
      const target = thisTarget();
      if (!fetch) return { missing: 'not asked for' };
      if (target === undefined) return { missing: `no library is pinned for ${process.platform}-${process.arch}` };
      if (lacksGlibc()) return { missing: 'the libraries need glibc, and this system has another C library (musl?)' };
      return look(await fetchWheel(wheels[target], target, { environment, report }));
    },
  };
}

/** What has to be there to run on NVIDIA GPUs, 13 wheels. */
function downloadGpu(options: PrepareOptions): Place<TensorFlowFiles> {
  const { fetch = false, environment = process.env, report = silent } = options;
  return {
    place: 'download',
    async look() {
      if (!fetch) return { missing: 'not asked for' };
      if (thisTarget() !== 'linux-x64')
        return { missing: `no CUDA libraries are pinned for ${process.platform}-${process.arch}` };
      if (lacksGlibc()) return { missing: 'the libraries need glibc, and this system has another C library (musl?)' };
      const destination = gpuFolder(cacheFolder(environment), cudaWheels);
      const folder = await fetchTogether(cudaWheels, destination, { environment, report });
      return tensorflowIn(join(folder, 'tensorflow'));
    },
  };
}

function lacksGlibc(): boolean {
  if (process.platform !== 'linux') return false;
  // The report names the C library; without this it first looks up every network interface. The type declarations don't know it yet.
  (process.report as { excludeNetwork?: boolean }).excludeNetwork = true;
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime === undefined;
}

/**
 * TensorFlow's libraries on this machine.
 *
 * @throws {TensorError} `engine-not-found`: what was tried, what it costs to be without, and what to do.
 */
export async function prepareTensorFlow(options: PrepareOptions = {}): Promise<TensorFlowFiles> {
  const { found, attempts } = await searchTensorFlow(options);
  return found ?? fail(options.gpu ? 'TensorFlow for GPUs' : 'TensorFlow', attempts);
}

/**
 * An OpenBLAS on this machine.
 *
 * @throws {TensorError} `engine-not-found`: what was tried, what it costs to be without, and what to do.
 */
export async function prepareBlas(options: PrepareOptions = {}): Promise<Blas> {
  const { found, attempts } = await searchBlas(options);
  return found ?? fail('OpenBLAS', attempts);
}

/** What it costs to be without an engine, the command that fetches it, and what to set instead. */
const remedies = {
  TensorFlow: [
    'Without it no model can be trained here.',
    'npx shampoo-engines',
    'SHAMPOO_TENSORFLOW=<folder of libtensorflow_cc.so.2>',
  ],
  'TensorFlow for GPUs': [
    'Without it no GPU is used.',
    'npx shampoo-engines --gpu',
    'SHAMPOO_TENSORFLOW=<folder of a libtensorflow_cc.so.2 that was built for CUDA>',
  ],
  OpenBLAS: [
    'Without it the preconditioner runs on plain TypeScript, which is far slower.',
    'npx shampoo-engines',
    'SHAMPOO_OPENBLAS=<file>, or apt-get install libopenblas0',
  ],
} as const;

function fail(engine: keyof typeof remedies, attempts: readonly Attempt[]): never {
  const [cost, command, setting] = remedies[engine];
  throw new TensorError(
    'engine-not-found',
    `${engine} was not found (${describeAttempts(attempts)}). ${cost} Run "${command}" (in a clone of this project: npm run setup), which fetches it with Python's pip, or set ${setting}.`,
    { attempts },
  );
}
