import '@tensorflow/tfjs-backend-cpu';
import { backend, env, setBackend, type Tensor, type TensorContainer, tidy } from '@tensorflow/tfjs-core';
import { useBackend } from '../src/node.ts';
import type { NodeBackend } from '../src/tensorflow/backend.ts';
import type { TensorFlowBinding } from '../src/tensorflow/binding.ts';

/** Values with the shape and type that they came in. */
export interface Values {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly values: Float32Array | Int32Array | Uint8Array;
}

/** Makes TensorFlow.js's JavaScript and WebAssembly backends and TensorFlow available; TensorFlow is current afterwards. */
export async function startBackends(): Promise<void> {
  env().set('PROD', true); // Or the JavaScript backend advertises faster ones.
  await setBackend('cpu');
  await useBackend({ backend: 'wasm' });
  await useBackend({ backend: 'tensorflow', threads: 2 });
}

/** Runs `f` on one backend, and copies out what it returns. */
export async function on(name: 'cpu' | 'tensorflow' | 'wasm', f: () => Tensor | Tensor[]): Promise<Values[]> {
  await setBackend(name);
  let copies: Values[] = [];
  tidy(() => {
    const results = [f()].flat();
    copies = results.map((t) => ({ shape: t.shape, dtype: t.dtype, values: t.dataSync() }));
  });
  await setBackend('tensorflow');
  return copies;
}

/** The binding under the current backend. */
export function currentBinding(): TensorFlowBinding {
  return (backend() as unknown as NodeBackend).binding;
}

/** How many tensors `f` leaves behind in TensorFlow, what it returns not counted. */
export function handlesLeftBy(f: () => unknown): number {
  const binding = currentBinding();
  const before = binding.getNumOfTensors();
  tidy(() => {
    f();
    return [] as TensorContainer;
  });
  return binding.getNumOfTensors() - before;
}
