import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from './failure.mjs';
import { run } from './run.mjs';
import { buildFingerprint, installFingerprint } from './stamps.mjs';

/**
 * @typedef {object} Setting
 * @property {string} root
 * @property {import('./stamps.mjs').Stamps} stamps
 */

/**
 * The steps of a set-up. Each is quick when there is nothing to do, and returns what it came to.
 *
 * @type {Record<'install' | 'build' | 'engines', (setting: Setting) => Promise<string>>}
 */
export const steps = { install, build, engines };

/** @param {Setting} setting */
async function install({ root, stamps }) {
  const fingerprint = installFingerprint(root);
  if (stamps.has('install', fingerprint) && existsSync(join(root, 'node_modules', '.modules.yaml'))) return 'up to date';
  process.stderr.write('setup: install: fetching packages\n');
  const exitCode = await run({ line: [...pnpm(root), 'install', '--frozen-lockfile'], cwd: root, quiet: true });
  if (exitCode !== 0) {
    throw new SetupError(
      'install failed; see above. Where no registry can be reached, look at network, proxy and "npm config get registry", then run this again',
      exitCode,
    );
  }
  stamps.set('install', fingerprint);
  return 'done';
}

/** @param {Setting} setting */
async function build({ root, stamps }) {
  const fingerprint = buildFingerprint(root);
  if (stamps.has('build', fingerprint)) return 'up to date';
  const exitCode = await run({ line: [...turbo(root), 'run', 'build', '--output-logs=errors-only'], cwd: root, quiet: true });
  if (exitCode !== 0) throw new SetupError('build failed; see above', exitCode);
  // The first build makes the folders that the fingerprint asks for.
  stamps.set('build', buildFingerprint(root));
  return 'done';
}

/** @param {Setting} setting */
async function engines({ root }) {
  const exitCode = await run({
    line: [process.execPath, join(root, 'packages/tensor/dist/provision/main.js')],
    cwd: root,
    quiet: true,
  });
  if (exitCode !== 0) throw new SetupError('engines are missing; see above. "npm run doctor" says more', exitCode);
  return 'ready';
}

/** @param {string} root @returns {[string, ...string[]]} pnpm in the version that the root package names, without installing it. */
export function pnpm(root) {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  // Named by an option, as an npx around this one (npx --package=node@24 npm start) hands its own down by environment.
  return ['npx', '--yes', `--package=${packageManager}`, 'pnpm'];
}

/** @param {string} root @returns {[string, ...string[]]} turbo, which itself calls pnpm, so it runs where pnpm is on the path. */
export function turbo(root) {
  return [...pnpm(root), 'exec', 'turbo'];
}
