import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * What was done already, and from which files: one fingerprint a step, in `node_modules`, so that it goes where they go.
 *
 * @typedef {object} Stamps
 * @property {(step: string, fingerprint: string) => boolean} has
 * @property {(step: string, fingerprint: string) => void} set
 */

/** @param {string} root @returns {Stamps} */
export function openStamps(root) {
  const file = join(root, 'node_modules', '.setup.json');
  /** @returns {Record<string, string>} */
  const read = () => {
    try {
      return JSON.parse(readFileSync(file, 'utf8'));
    } catch {
      return {}; // Not there yet, or cut off: then everything is done anew.
    }
  };
  return {
    has: (step, fingerprint) => read()[step] === fingerprint,
    set(step, fingerprint) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, JSON.stringify({ ...read(), [step]: fingerprint }));
    },
  };
}

/** Folders of packages, by `pnpm-workspace.yaml`. */
const groups = ['packages', 'apps', 'tooling'];

/** @param {string} root @returns {string[]} the packages of the workspace, relative to its root. */
export function packageFolders(root) {
  return groups
    .filter((group) => existsSync(join(root, group)))
    .flatMap((group) => readdirSync(join(root, group)).map((name) => join(group, name)))
    .filter((folder) => existsSync(join(root, folder, 'package.json')))
    .sort();
}

/** @param {string} root @returns {string} changes with the contents of anything that decides what is installed. */
export function installFingerprint(root) {
  const files = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', '.npmrc', 'package.json'];
  const manifests = packageFolders(root).map((folder) => join(folder, 'package.json'));
  const hash = createHash('sha256').update(process.platform + process.arch);
  for (const file of [...files, ...manifests])
    hash.update(file).update(existsSync(join(root, file)) ? readFileSync(join(root, file)) : '');
  return hash.digest('hex');
}

const ignored = new Set(['node_modules', 'dist', 'test', 'bench', '.turbo']);

/**
 * @param {string} root
 * @returns {string} changes with the path, size or time of any source file, and when a package's build goes missing. Contents are not read:
 *                   a build that turns out to be needless costs less than reading everything every time.
 */
export function buildFingerprint(root) {
  const hash = createHash('sha256').update(process.version);
  const visit = (/** @type {string} */ folder) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        if (!ignored.has(entry.name)) visit(path);
      } else if (!/\.(test|test-d)\.ts$|\.md$/.test(entry.name)) {
        const { size, mtimeMs } = statSync(join(root, path));
        hash.update(`${path} ${size} ${mtimeMs}\n`);
      }
    }
  };
  for (const folder of packageFolders(root)) {
    hash.update(`${folder} ${existsSync(join(root, folder, 'dist'))}\n`);
    visit(folder);
  }
  return hash.digest('hex');
}
