import { statfs } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import koffi from 'koffi';
import { loadLibrary } from '../native-library.ts';
import { quietly } from '../tensorflow/quiet.ts';
import { wasmFiles } from '../wasm/files.ts';
import { cacheFolder } from './cache.ts';
import type { TensorFlowFiles } from './find-tensorflow.ts';
import { searchBlas, searchTensorFlow } from './prepare.ts';
import { explainNoGpu, probeGpu } from './probe-gpu.ts';
import type { Attempt } from './search.ts';

/** One thing that was looked at on this machine. */
export interface Finding {
  readonly name: string;
  /** `missing`: something can't run. `warning`: it runs worse than it might. */
  readonly state: 'ok' | 'warning' | 'missing';
  /** What is there: a version, a path, a number with its unit. */
  readonly value: string;
  /** Where it was looked for in vain. */
  readonly tried: readonly Attempt[];
  /** What to do, where something is not `ok`. */
  readonly advice?: string;
}

/** Looks at everything that this package needs of a machine, and changes nothing. Never throws. */
export async function doctor(environment: NodeJS.ProcessEnv = process.env): Promise<Finding[]> {
  return [
    nodeJs(),
    { name: 'processor', state: 'ok', value: `${availableParallelism()} cores, ${cpus()[0]?.model ?? process.arch}`, tried: [] },
    { name: 'koffi', state: 'ok', value: koffi.version, tried: [] },
    ...(await tensorflow(environment)),
    wasm(),
    await blas(environment),
    await sharedMemory(),
    { name: 'cache', state: 'ok', value: cacheFolder(environment), tried: [] },
  ];
}

const OLDEST_NODE = [20, 19] as const;

function nodeJs(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const fresh = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  const finding: Finding = { name: 'Node.js', state: fresh ? 'ok' : 'missing', value: process.versions.node, tried: [] };
  return fresh ? finding : { ...finding, advice: `install Node.js ${OLDEST_NODE.join('.')} or later` };
}

/** TensorFlow, and the GPU where one is asked for. */
async function tensorflow(environment: NodeJS.ProcessEnv): Promise<Finding[]> {
  const gpu = environment['SHAMPOO_BACKEND'] === 'tensorflow-gpu';
  const { found, place, attempts } = await searchTensorFlow({ environment, gpu });
  const name = gpu ? 'TensorFlow for GPUs' : 'TensorFlow';
  if (found === undefined) {
    const command = `run "npx shampoo-engines${gpu ? ' --gpu' : ''}" (in a clone of this project: npm run setup), or name a folder in SHAMPOO_TENSORFLOW`;
    return gpu
      ? [{ name, state: 'missing', value: 'not found', tried: attempts, advice: command }]
      : [
          {
            name,
            state: 'warning',
            value: 'not found',
            tried: attempts,
            advice: `${command}; until then wasm serves, on one thread and several times slower`,
          },
        ];
  }
  let version: string;
  try {
    version = tensorflowVersion(found);
  } catch (error) {
    const advice = `${found.library} doesn't load (${(error as Error).message}); remove it and run "npx shampoo-engines" (in a clone of this project: npm run setup)`;
    return [{ name, state: 'missing', value: found.library, tried: attempts, advice }];
  }
  const finding: Finding = { name, state: 'ok', value: `${version}, ${found.library} (${place})`, tried: attempts };
  return gpu ? [finding, gpuFinding(found, environment)] : [finding];
}

function gpuFinding(files: TensorFlowFiles, environment: NodeJS.ProcessEnv): Finding {
  const probe = probeGpu(files);
  const { built, driver, loaded, broken } = probe;
  const libraries = `${loaded.length} of ${loaded.length + broken.length} CUDA libraries load`;
  if (built !== false && driver.state === 'ready' && driver.devices > 0 && broken.length === 0) {
    return { name: 'GPU', state: 'ok', value: `${driver.devices}, driver for CUDA ${driver.cuda}, ${libraries}`, tried: [] };
  }
  const [why, remedy] = explainNoGpu(probe, environment['CUDA_VISIBLE_DEVICES']);
  return { name: 'GPU', state: 'missing', value: `${why}; ${libraries}`, tried: [], advice: remedy };
}

function wasm(): Finding {
  const name = 'wasm';
  try {
    const { folder, version } = wasmFiles();
    return { name, state: 'ok', value: `${version}, ${folder}`, tried: [] };
  } catch (error) {
    const advice = 'install @tensorflow/tfjs-backend-wasm, which runs where TensorFlow does not';
    return { name, state: 'warning', value: (error as Error).message, tried: [], advice };
  }
}

function tensorflowVersion({ library, framework }: TensorFlowFiles): string {
  return quietly(() => {
    if (framework !== undefined) loadLibrary(framework, { global: true });
    return loadLibrary(library).func('TF_Version', 'str', [])() as string;
  });
}

async function blas(environment: NodeJS.ProcessEnv): Promise<Finding> {
  const { found, place, attempts } = await searchBlas({ environment });
  if (found !== undefined)
    return { name: 'BLAS', state: 'ok', value: `${found.config}, ${found.path} (${place})`, tried: attempts };
  const advice =
    'run "npx shampoo-engines" (in a clone of this project: npm run setup), or name a file in SHAMPOO_OPENBLAS; until then the preconditioner is far slower';
  return { name: 'BLAS', state: 'warning', value: 'not found', tried: attempts, advice };
}

const SHARED_MEMORY = '/dev/shm';
/** What two ranks of ResNet-50 share: gradients and parameters of both, 102 MB each, and room to spare. */
const ENOUGH_BYTES = 5e8;

async function sharedMemory(): Promise<Finding> {
  const name = 'shared memory';
  try {
    const { bavail, blocks, bsize } = await statfs(SHARED_MEMORY);
    const value = `${SHARED_MEMORY}, ${megabytes(bavail * bsize)} of ${megabytes(blocks * bsize)} free`;
    if (bavail * bsize >= ENOUGH_BYTES) return { name, state: 'ok', value, tried: [] };
    const advice = `ranks of a large model need ${megabytes(ENOUGH_BYTES)} there; in a container, start it with --shm-size=2g`;
    return { name, state: 'warning', value, tried: [], advice };
  } catch {
    return {
      name,
      state: 'warning',
      value: `no ${SHARED_MEMORY}`,
      tried: [],
      advice: 'ranks of one host exchange data by slower ways',
    };
  }
}

const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
