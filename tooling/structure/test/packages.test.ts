import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('../../../', import.meta.url);
const scope = '@distributed-shampoo/';

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

const folders = ['packages', 'apps', 'tooling'].flatMap((group) =>
  readdirSync(new URL(group, root)).flatMap((name) =>
    existsSync(new URL(`${group}/${name}/package.json`, root)) ? [`${group}/${name}`] : [],
  ),
);
const manifests = folders.map((folder) => ({
  folder,
  ...(JSON.parse(readFileSync(new URL(`${folder}/package.json`, root), 'utf8')) as Manifest),
}));

/** What each package may import directly, as drawn in the README. `turbo boundaries` checks what is reachable, not what is direct. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  tensor: [],
  collectives: [],
  preconditioner: ['tensor'],
  dtensor: ['collectives', 'tensor'],
  optimizer: ['dtensor', 'preconditioner', 'tensor'],
  trainer: ['collectives', 'dtensor', 'optimizer', 'preconditioner', 'tensor'],
};

const ours = (dependencies: Readonly<Record<string, string>> = {}) =>
  Object.keys(dependencies)
    .filter((name) => name.startsWith(scope))
    .map((name) => name.slice(scope.length))
    .sort((a, b) => a.localeCompare(b));

test.each(manifests.filter(({ folder }) => !folder.startsWith('tooling/')).map((one) => [one.folder, one] as const))(
  '%s imports only what is drawn',
  (_folder, { name, dependencies }) => {
    const may = allowed[name.slice(scope.length)];
    expect(may, `${name} is not drawn`).toBeDefined();
    expect(ours(dependencies).filter((dependency) => !may?.includes(dependency))).toEqual([]);
  },
);

test.each(manifests.map((one) => [one.folder, one] as const))(
  '%s pins every outside dependency by the catalog',
  (_folder, { dependencies = {}, devDependencies = {} }) => {
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
      expect(version, name).toBe(name.startsWith(scope) ? 'workspace:^' : 'catalog:');
    }
  },
);

/** Backends that come with a package, and what they need: only `tensor` touches backends. */
const backendsOf: Readonly<Record<string, readonly string[]>> = {
  [`${scope}tensor`]: ['@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm'],
};

test('TensorFlow.js is a peer of whoever is published and handles tensors, and no concern of collectives', () => {
  for (const { name, private: isPrivate, dependencies = {}, peerDependencies = {} } of manifests) {
    if (isPrivate || name === `${scope}trainer`) continue;
    expect(
      Object.keys(dependencies).filter((one) => one.startsWith('@tensorflow/')),
      name,
    ).toEqual(backendsOf[name] ?? []);
    if (name === `${scope}collectives`) expect(Object.keys(peerDependencies)).toEqual([]);
  }
});

test('every published package has a licence and a README', () => {
  for (const { folder, private: isPrivate, license } of manifests) {
    if (isPrivate) continue;
    expect(license, folder).toBe('Apache-2.0');
    expect(existsSync(new URL(`${folder}/README.md`, root)), `${folder}/README.md`).toBe(true);
  }
});

test('every outside dependency of a published package has its reason in the README', () => {
  for (const { folder, private: isPrivate, dependencies = {} } of manifests) {
    if (isPrivate) continue;
    const readme = readFileSync(new URL(`${folder}/README.md`, root), 'utf8');
    for (const name of Object.keys(dependencies))
      if (!name.startsWith(scope)) expect(readme, `${folder}: ${name}`).toContain(`\`${name}\``);
  }
});
