import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { downloadWheel, findPip } from '../../src/provision/pip.ts';
import { silent } from '../../src/provision/report.ts';
import { blasWheels } from '../../src/provision/wheels.ts';
import { sandbox } from './sandbox.ts';

const wheel = blasWheels['linux-x64'];

/** A pip that writes its arguments to a file, and a wheel to where --dest says. */
const pip = (log: string) => `echo "$TMPDIR | $@" >> ${log}
  while [ $# -gt 0 ]; do if [ "$1" = --dest ]; then echo wheel > "$2/some.whl"; fi; shift; done`;

describe('pip', () => {
  test("is a Python's own before a script of that name", async () => {
    const { environment, program } = sandbox();
    program('pip', 'exit 0');
    expect(await findPip(environment)).toEqual(['pip']);
    program('python', 'exit 0');
    expect(await findPip(environment)).toEqual(['python', '-m', 'pip']);
    program('python3', 'exit 0');
    expect(await findPip(environment)).toEqual(['python3', '-m', 'pip']);
  });

  test('is passed over where its Python has none', async () => {
    const { environment, program } = sandbox();
    program('python3', 'echo "/usr/bin/python3: No module named pip" >&2; exit 1');
    program('pip3', 'exit 0');
    expect(await findPip(environment)).toEqual(['pip3']);
  });

  test('that is nowhere is an error with every way that was tried, and what to install', async () => {
    const { environment, program } = sandbox();
    program('python3', 'echo "No module named pip" >&2; exit 1');
    await expect(findPip(environment)).rejects.toThrow(
      /no pip \(python3 -m pip: No module named pip, python -m pip: no python on the path, pip3: no pip3.*, pip: no pip.*\)\. Install.*python3-pip/,
    );
  });

  test('downloads the pinned version for the pinned platform, whatever Python runs it, and names no index', async () => {
    const { environment, folder, program } = sandbox();
    const log = join(folder, 'log');
    program('pip', pip(log));
    const target = join(folder, 'target');
    mkdirSync(target);
    expect(await downloadWheel(wheel, target, { environment, report: silent })).toBe(join(target, 'some.whl'));
    const call = readFileSync(log, 'utf8').split('\n')[1] as string;
    expect(call).toMatch(new RegExp(`^${target} \\| download `));
    for (const part of [
      '--no-deps',
      '--only-binary=:all:',
      '--python-version 3.11',
      `--platform ${wheel.platform}`,
      `scipy-openblas32==${wheel.version}`,
    ]) {
      expect(call).toContain(part);
    }
    expect(call).not.toMatch(/index|http/);
  });

  test("that fails passes on pip's own complaint", async () => {
    const { environment, folder, program } = sandbox();
    program('pip', 'if [ "$1" = download ]; then echo "ERROR: No matching distribution" >&2; echo "notice: old" >&2; exit 1; fi');
    await expect(downloadWheel(wheel, folder, { environment, report: silent })).rejects.toThrow(
      /scipy-openblas32==.*: ERROR: No matching distribution/,
    );
  });
});
