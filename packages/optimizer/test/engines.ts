import '@tensorflow/tfjs';
import { useBlas } from '@distributed-shampoo/tensor/node';
import { enableProdMode, setBackend } from '@tensorflow/tfjs-core';

// Without the advice to install tfjs-node.
enableProdMode();
await setBackend('cpu');
await useBlas();

/** The matrix engines that the suites run on. */
export const engines = ['reference', 'blas', 'tfjs'] as const;
