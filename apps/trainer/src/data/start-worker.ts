import { Worker } from 'node:worker_threads';

/**
 * Starts a worker thread from a module of this project. From built files that is all; from sources (in tests) the thread first registers tsx,
 * because Node.js 20 reads no TypeScript and a loader of the main thread does not reach its workers.
 */
export function startWorker(module: URL, workerData: unknown): Worker {
  if (!module.pathname.endsWith('.ts')) return new Worker(module, { workerData });
  const tsx = import.meta.resolve('tsx/esm/api');
  const bootstrap = `import(${JSON.stringify(tsx)}).then(({ register }) => { register(); return import(${JSON.stringify(module.href)}); });`;
  return new Worker(bootstrap, { eval: true, workerData });
}
