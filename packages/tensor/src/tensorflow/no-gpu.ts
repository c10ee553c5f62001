import { TensorError } from '../errors.ts';
import { explainNoGpu, probeGpu } from '../provision/probe-gpu.ts';
import type { RegisteredTensorFlow } from './register.ts';

/** The one-line error for a TensorFlow that runs and uses no GPU: what it is, why there is none, what to do. */
export function noGpuError({ version, library, files }: RegisteredTensorFlow): TensorError {
  const visible = process.env['CUDA_VISIBLE_DEVICES'];
  const [why, remedy] =
    files === undefined
      ? ['that package was imported first', 'Call useBackend() before importing it, or import @tensorflow/tfjs-node-gpu instead.']
      : explainNoGpu(probeGpu(files), visible);
  return new TensorError(
    'no-gpu',
    `useBackend: TensorFlow ${version} (${library}) uses no GPU: ${why}. ${remedy} SHAMPOO_BACKEND=tensorflow computes without one.`,
    { library, visible },
  );
}
