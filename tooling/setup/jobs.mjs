import { join } from 'node:path';
import { pnpm, turbo } from './steps.mjs';

/**
 * @typedef {object} Job
 * @property {readonly ('install' | 'build' | 'engines')[]} needs
 * @property {(setting: { root: string, rest: readonly string[] }) => import('./run.mjs').Command[]} commands run in order, up to the first that fails.
 */

const everything = /** @type {const} */ (['install', 'build', 'engines']);

/**
 * What can follow a set-up.
 *
 * @type {Record<string, Job>}
 */
export const jobs = {
  setup: { needs: everything, commands: () => [] },
  train: { needs: everything, commands: ({ root, rest }) => [trainer(root, ['train', ...rest])] },
  // Looks at engines as they are, so none are fetched first.
  doctor: { needs: ['install', 'build'], commands: ({ root, rest }) => [trainer(root, ['doctor', ...rest])] },
  test: {
    needs: everything,
    commands: ({ root, rest }) => [{ line: [...turbo(root), 'run', 'test', '--concurrency=1', ...rest], cwd: root }],
  },
  parity: { needs: everything, commands: ({ root, rest }) => [program(root, 'tooling/parity/dist/main.js', rest)] },
  bench: { needs: everything, commands: ({ root, rest }) => [program(root, 'tooling/bench/dist/main.js', rest)] },
  build: { needs: ['install'], commands: ({ root, rest }) => [{ line: [...turbo(root), 'run', 'build', ...rest], cwd: root }] },
  typecheck: {
    needs: ['install'],
    commands: ({ root, rest }) => [{ line: [...turbo(root), 'run', 'typecheck', ...rest], cwd: root }],
  },
  lint: {
    needs: ['install'],
    commands: ({ root, rest }) => [
      { line: [...pnpm(root), 'exec', 'biome', 'check', ...rest], cwd: root },
      { line: [...turbo(root), 'boundaries'], cwd: root },
      { line: [...turbo(root), 'run', 'test', '--filter=@distributed-shampoo/structure'], cwd: root },
    ],
  },
};

/**
 * The trainer, in the folder that npm was called from, so that paths in its arguments mean what they meant there.
 *
 * @param {string} root @param {readonly string[]} parameters @returns {import('./run.mjs').Command}
 */
function trainer(root, parameters) {
  return program(root, 'apps/trainer/dist/main.js', parameters);
}

/** @param {string} root @param {string} file @param {readonly string[]} parameters @returns {import('./run.mjs').Command} */
function program(root, file, parameters) {
  return { line: [process.execPath, join(root, file), ...parameters], cwd: process.env['INIT_CWD'] ?? process.cwd() };
}
