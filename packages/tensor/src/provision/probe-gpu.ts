import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadLibrary } from '../native-library.ts';
import { quietly } from '../tensorflow/quiet.ts';
import type { TensorFlowFiles } from './find-tensorflow.ts';

/** What NVIDIA's driver says. */
export type Driver =
  /** It doesn't load, with the linker's sentence. */
  | { readonly state: 'absent'; readonly complaint: string }
  /** It loads and doesn't start: CUDA's own sentence and number. */
  | { readonly state: 'failed'; readonly cuda: string; readonly complaint: string }
  | { readonly state: 'ready'; readonly cuda: string; readonly devices: number };

/** What a TensorFlow needs of a machine to compute on its GPU, and what is there of it. */
export interface GpuProbe {
  /** Whether this TensorFlow was built for CUDA; undefined where it doesn't tell. */
  readonly built: boolean | undefined;
  readonly driver: Driver;
  /** CUDA libraries that load, and those that don't, with the linker's sentence. */
  readonly loaded: readonly string[];
  readonly broken: readonly string[];
}

/** What TensorFlow opens before it takes a GPU, and the folders of CUDA's wheels that hold it. All of it or no GPU. */
const needed = [
  ['cuda_runtime', 'libcudart.so.12'],
  ['cublas', 'libcublas.so.12'],
  ['cublas', 'libcublasLt.so.12'],
  ['cufft', 'libcufft.so.11'],
  ['cusolver', 'libcusolver.so.11'],
  ['cusparse', 'libcusparse.so.12'],
  ['cudnn', 'libcudnn.so.9'],
  ['cudnn', 'libcudnn_ops.so.9'],
] as const;

/**
 * Looks at all that has to be there for TensorFlow on a GPU: the library's own build, the driver, CUDA's libraries. They are loaded, and stay.
 *
 * CUDA's libraries are looked for where TensorFlow does: in `nvidia/<name>/lib` beside its own folder, else where the linker looks.
 */
export function probeGpu({ library, framework }: TensorFlowFiles): GpuProbe {
  const beside = join(dirname(library), '..', 'nvidia');
  const [loaded, broken]: [string[], string[]] = [[], []];
  for (const [folder, name] of needed) {
    const file = join(beside, folder, 'lib', name);
    const complaint = failureOf(() => loadLibrary(existsSync(file) ? file : name));
    if (complaint === undefined) loaded.push(name);
    else broken.push(`${name} (${complaint})`);
  }
  return { built: builtForCuda(framework ?? library), driver: probeDriver(), loaded, broken };
}

/** A function of TensorFlow's C++ interface, which has none for it in C: `bool tensorflow::IsGoogleCudaEnabled()`. */
const IS_BUILT_FOR_CUDA = '_ZN10tensorflow19IsGoogleCudaEnabledEv';

function builtForCuda(file: string): boolean | undefined {
  try {
    return quietly(() => loadLibrary(file, { global: true }).func(IS_BUILT_FOR_CUDA, 'bool', [])() as boolean);
  } catch {
    return undefined;
  }
}

/** @param name the driver's library. */
export function probeDriver(name = 'libcuda.so.1'): Driver {
  try {
    const driver = loadLibrary(name);
    const number = (symbol: string): number => {
      const box = new Int32Array(1);
      return driver.func(symbol, 'int', ['void *'])(box) === 0 ? (box[0] as number) : 0;
    };
    const version = number('cuDriverGetVersion');
    const cuda = `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`;
    const code = driver.func('cuInit', 'int', ['uint'])(0) as number;
    if (code === 0) return { state: 'ready', cuda, devices: number('cuDeviceGetCount') };
    return { state: 'failed', cuda, complaint: `cuInit: error ${code}` };
  } catch (error) {
    return { state: 'absent', complaint: `${name}: ${linkerSentence(error)}` };
  }
}

function failureOf(start: () => unknown): string | undefined {
  try {
    start();
    return undefined;
  } catch (error) {
    return linkerSentence(error);
  }
}

const linkerSentence = (error: unknown): string => (error as Error).message.replace(/^Failed to load shared library: /, '');

const DRIVER = 'NVIDIA driver 525 or later';

/**
 * Why a TensorFlow takes no GPU, and what to do, as a clause and a sentence.
 *
 * @param visible CUDA_VISIBLE_DEVICES, where it is set.
 */
export function explainNoGpu(
  { built, driver, broken }: GpuProbe,
  visible: string | undefined,
): readonly [why: string, remedy: string] {
  if (built === false)
    return [
      'it was built for CPUs only',
      'Fetch the other with "npx shampoo-engines --gpu", and leave SHAMPOO_TENSORFLOW unset, or name its folder there.',
    ];
  if (driver.state === 'absent')
    return [`there is no NVIDIA driver (${driver.complaint})`, `Install ${DRIVER}, or start the container with "--gpus all".`];
  if (Number(driver.cuda) < OLDEST_CUDA)
    return [`the NVIDIA driver speaks CUDA ${driver.cuda}, and ${OLDEST_CUDA} is needed`, `Install ${DRIVER}.`];
  if (driver.state === 'failed' || driver.devices === 0) {
    const complaint = driver.state === 'failed' ? ` (${driver.complaint})` : '';
    return [
      `the NVIDIA driver offers none${visible === undefined ? '' : ` with CUDA_VISIBLE_DEVICES=${visible}`}${complaint}`,
      'Look whether "nvidia-smi" lists one, and start no more ranks on a host than it has.',
    ];
  }
  if (broken.length > 0)
    return [
      `CUDA libraries don't load: ${broken.join(', ')}`,
      'Fetch them with "npx shampoo-engines --gpu", or install the packages that they miss.',
    ];
  return [
    `the NVIDIA driver offers ${driver.devices}, and TensorFlow takes none`,
    'Run again with TF_CPP_MIN_LOG_LEVEL=0, where it says why.',
  ];
}

const OLDEST_CUDA = 12;
