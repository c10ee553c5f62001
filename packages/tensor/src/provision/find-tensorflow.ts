import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { cacheFolder, gpuFolder, wheelFolder } from './cache.ts';
import { run } from './commands.ts';
import { cudaWheels } from './cuda-wheels.ts';
import type { Look, Place } from './search.ts';
import { tensorflowWheels, thisTarget } from './wheels.ts';

/** The libraries of one TensorFlow. */
export interface TensorFlowFiles {
  /** The C API. */
  readonly library: string;
  /** What it needs to be loaded first, where it is a file of its own. */
  readonly framework?: string;
}

/** Names under which wheels (`_cc`) and the C distribution of TensorFlow 2 come, on Linux and macOS. */
const libraryName = /^libtensorflow(_cc)?(\.so(\.2(\.[\d.]+)?)?|(\.2(\.[\d.]+)?)?\.dylib)$/;
const frameworkName = /^libtensorflow_framework(\.so(\.2(\.[\d.]+)?)?|(\.2(\.[\d.]+)?)?\.dylib)$/;

/** @returns TensorFlow's libraries in a folder, if it holds them. */
export function tensorflowIn(folder: string): Look<TensorFlowFiles> {
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch {
    return { missing: `no folder ${folder}` };
  }
  // The longest name is the file itself, the shorter ones are links to it.
  const library = names.findLast((name) => libraryName.test(name));
  const framework = names.findLast((name) => frameworkName.test(name));
  if (library === undefined) return { missing: `no libtensorflow_cc.so.2 in ${folder}` };
  return {
    found: { library: join(folder, library), ...(framework === undefined ? {} : { framework: join(folder, framework) }) },
  };
}

/**
 * Where TensorFlow may be on this machine. The cache comes before Python's: it holds the version that is tested, and costs no start of an
 * interpreter. Python's is there to spare a download.
 */
export function tensorflowPlaces(environment: NodeJS.ProcessEnv): Place<TensorFlowFiles>[] {
  return [
    { place: 'SHAMPOO_TENSORFLOW', look: () => named(environment['SHAMPOO_TENSORFLOW']) },
    { place: '@tensorflow/tfjs-node', look: () => besideNodePackage('@tensorflow/tfjs-node') },
    { place: '@tensorflow/tfjs-node-gpu', look: () => besideNodePackage('@tensorflow/tfjs-node-gpu') },
    { place: 'cache', look: () => cached(environment) },
    { place: 'Python', look: () => besidePython(environment) },
  ];
}

/** Where a TensorFlow for GPUs may be, with the CUDA libraries that it opens. */
export function gpuTensorflowPlaces(environment: NodeJS.ProcessEnv): Place<TensorFlowFiles>[] {
  return [
    { place: 'SHAMPOO_TENSORFLOW', look: () => named(environment['SHAMPOO_TENSORFLOW']) },
    { place: '@tensorflow/tfjs-node-gpu', look: () => besideNodePackage('@tensorflow/tfjs-node-gpu') },
    { place: 'cache', look: () => tensorflowIn(join(gpuFolder(cacheFolder(environment), cudaWheels), 'tensorflow')) },
    { place: 'Python', look: async () => withCuda(await besidePython(environment)) },
  ];
}

/** Python's TensorFlow may be one for CPUs, or `tensorflow` without `[and-cuda]`; with it, CUDA's libraries lie beside. */
function withCuda(look: Look<TensorFlowFiles>): Look<TensorFlowFiles> {
  if (!('found' in look)) return look;
  const folder = join(dirname(look.found.library), '..', 'nvidia', 'cudnn');
  return existsSync(folder) ? look : { missing: `no CUDA libraries beside ${dirname(look.found.library)}` };
}

function named(folder: string | undefined): Look<TensorFlowFiles> {
  if (!folder) return { missing: 'not set' };
  const look = tensorflowIn(folder);
  return 'missing' in look ? { refused: look.missing } : look;
}

function besideNodePackage(name: string): Look<TensorFlowFiles> {
  let folder: string;
  try {
    folder = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  } catch {
    return { missing: 'not installed' };
  }
  return tensorflowIn(join(folder, 'deps', 'lib'));
}

function cached(environment: NodeJS.ProcessEnv): Look<TensorFlowFiles> {
  const target = thisTarget();
  if (target === undefined) return { missing: `nothing is kept for ${process.platform}-${process.arch}` };
  return tensorflowIn(wheelFolder(cacheFolder(environment), tensorflowWheels[target], target));
}

/** Prints the folder of Python's `tensorflow` without importing it. */
const QUESTION = "import importlib.util as u; s = u.find_spec('tensorflow'); print(s.submodule_search_locations[0] if s else '')";

async function besidePython(environment: NodeJS.ProcessEnv): Promise<Look<TensorFlowFiles>> {
  const failures: string[] = [];
  for (const python of ['python3', 'python']) {
    const { exitCode, output, complaint } = await run([python, '-c', QUESTION], { environment, timeoutMs: 30_000 });
    const folder = output.trim();
    if (exitCode === 0 && folder !== '') return tensorflowIn(folder);
    failures.push(exitCode === 0 ? `${python} has no tensorflow` : complaint || `${python} failed`);
  }
  return { missing: failures.join(', ') };
}
