import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { wheelFolder } from '../../src/provision/cache.ts';
import { cudaWheels } from '../../src/provision/cuda-wheels.ts';
import { tensorflowIn } from '../../src/provision/find-tensorflow.ts';
import { blasWheels, type Target, tensorflowWheels, thisTarget } from '../../src/provision/wheels.ts';
import { sandbox } from './sandbox.ts';

test.each([
  ['linux', 'x64', 'linux-x64'],
  ['linux', 'arm64', 'linux-arm64'],
  ['linux', 'riscv64', undefined],
  ['darwin', 'arm64', 'darwin-arm64'],
  ['darwin', 'x64', 'darwin-x64'],
  ['win32', 'x64', undefined],
  ['freebsd', 'x64', undefined],
])('%s on %s: %s', (platform, arch, target) => {
  expect(thisTarget({ platform, arch })).toBe(target);
});

test.each([
  ['linux-x64', /^manylinux_.*_x86_64$/, 'tensorflow-cpu', 'libtensorflow_cc.so.2'],
  ['linux-arm64', /^manylinux_.*_aarch64$/, 'tensorflow', 'libtensorflow_cc.so.2'],
  ['darwin-arm64', /^macosx_.*_arm64$/, 'tensorflow', 'libtensorflow_cc.2.dylib'],
  ['darwin-x64', /^macosx_.*_x86_64$/, 'tensorflow', 'libtensorflow_cc.2.dylib'],
] as const satisfies readonly (readonly [Target, RegExp, string, string])[])(
  '%s gets the wheels that are built for it',
  (target, machine, project, library) => {
    const [tensorflow, blas] = [tensorflowWheels[target], blasWheels[target]];
    expect(tensorflow.project).toBe(project);
    expect(tensorflow.members.map((member) => basename(member))).toContain(library);
    for (const { sha256, platform } of [tensorflow, blas]) {
      expect(sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(platform).toMatch(machine);
    }
    expect(wheelFolder('/cache', tensorflow, target)).toBe(`/cache/${project}-${tensorflow.version}-${target}`);
  },
);

test("what is taken out of TensorFlow's wheel is found again where it was put", () => {
  for (const { members } of Object.values(tensorflowWheels)) {
    const folder = sandbox().folder;
    for (const member of members) writeFileSync(join(folder, basename(member)), '');
    const [library, framework] = members.map((member) => join(folder, basename(member)));
    expect(tensorflowIn(folder)).toEqual({ found: { library, framework } });
  }
});

test('no two wheels are the same file', () => {
  const all = [...Object.values(tensorflowWheels), ...Object.values(blasWheels), ...cudaWheels];
  expect(new Set(all.map(({ sha256 }) => sha256)).size).toBe(all.length);
});
