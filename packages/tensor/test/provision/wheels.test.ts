import { expect, test } from 'vitest';
import { wheelFolder } from '../../src/provision/cache.ts';
import { blasWheels, type Target, tensorflowWheels, thisTarget } from '../../src/provision/wheels.ts';

test.each([
  ['linux', 'x64', 'linux-x64'],
  ['linux', 'arm64', 'linux-arm64'],
  ['linux', 'riscv64', undefined],
  ['darwin', 'arm64', undefined],
  ['win32', 'x64', undefined],
])('%s on %s: %s', (platform, arch, target) => {
  expect(thisTarget({ platform, arch })).toBe(target);
});

test.each([
  ['linux-x64', 'x86_64', 'tensorflow-cpu'],
  ['linux-arm64', 'aarch64', 'tensorflow'],
] as const satisfies readonly (readonly [Target, string, string])[])(
  '%s gets the wheels that are built for it',
  (target, machine, project) => {
    const [tensorflow, blas] = [tensorflowWheels[target], blasWheels[target]];
    expect([tensorflow.project, tensorflow.platform.endsWith(machine), blas.platform.endsWith(machine)]).toEqual([
      project,
      true,
      true,
    ]);
    for (const { sha256 } of [tensorflow, blas]) expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(wheelFolder('/cache', tensorflow, target)).toBe(`/cache/${project}-${tensorflow.version}-${target}`);
  },
);

test('no two wheels are the same file', () => {
  const all = [tensorflowWheels, blasWheels].flatMap((wheels) => Object.values(wheels));
  expect(new Set(all.map(({ sha256 }) => sha256)).size).toBe(all.length);
});
