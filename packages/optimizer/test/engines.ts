import '@tensorflow/tfjs';
import { useBlas } from '@distributed-shampoo/tensor/node';
import { setBackend } from '@tensorflow/tfjs-core';

await setBackend('cpu');
await useBlas();

/** The matrix engines that the suites run on. */
export const engines = ['reference', 'blas'] as const;
