import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Runs a module in a process of its own, as TensorFlow starts and ends once a process. It finds TensorFlow.js as `tf`, and this package's functions.
 *
 * @returns what it printed. Rejects when it fails, with that.
 */
export async function inProcess(
  body: string,
  environment: Record<string, string> = {},
): Promise<{ stdout: string; stderr: string }> {
  const { TF_CPP_MIN_LOG_LEVEL: _, ...inherited } = process.env;
  const node = new URL('../../src/node.ts', import.meta.url);
  const entry = new URL('../../src/index.ts', import.meta.url);
  const code = `import * as tf from '@tensorflow/tfjs-core';
    import { tfNode, useBackend } from '${node}';
    import { attribute, convolution, crossEntropy, executeRaw, packTensor, relu, unpackTensor, wholeRun } from '${entry}';
    ${body}`;
  const parameters = ['--conditions=@distributed-shampoo/source', '--import', 'tsx', '--input-type=module', '--eval', code];
  return run(process.execPath, parameters, { env: { ...inherited, ...environment }, cwd: new URL('../..', import.meta.url) });
}
