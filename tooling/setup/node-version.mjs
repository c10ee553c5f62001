import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from './failure.mjs';

/** @param {string} root @throws {SetupError} when this Node.js is older than the root package's `engines` says. */
export function requireNode(root) {
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const oldest = /\d+\.\d+/.exec(engines.node)?.[0] ?? '0.0';
  if (isOlder(process.versions.node, oldest)) {
    throw new SetupError(
      `Node.js ${process.versions.node} is too old, ${oldest} or later is needed. Install one from your distribution or nodejs.org`,
    );
  }
}

/** @param {string} version @param {string} oldest both `major.minor`; more may follow. */
export function isOlder(version, oldest) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = oldest.split('.').map(Number);
  return major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
}
