import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { doctor, searchBlas, searchTensorFlow } from '../../src/node.ts';
import { sandbox } from './sandbox.ts';

const main = fileURLToPath(new URL('../../src/provision/main.ts', import.meta.url));

/** Starts shampoo-engines. */
function engines(parameters: readonly string[], environment: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, ['--conditions=@distributed-shampoo/source', '--import', 'tsx', main, ...parameters], {
    env: environment,
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
  });
  const text = { out: '', errors: '' };
  child.stdout.on('data', (chunk) => {
    text.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    text.errors += chunk;
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  return { child, text, ended };
}

describe('shampoo-engines', () => {
  test('says what is there, in a line each, and the same as JSON', async () => {
    const [tensorflow, blas] = [await searchTensorFlow(), await searchBlas()];
    const { text, ended } = engines(['--json'], process.env);
    expect(await ended).toBe(0);
    expect(JSON.parse(text.out)).toEqual({ tensorflow, blas });
    expect(text.errors.trim().split('\n')).toEqual([
      expect.stringMatching(/^TensorFlow: .*libtensorflow.* \(.*, \d+\.\d s\)$/),
      expect.stringMatching(/^OpenBLAS: OpenBLAS .* \(.*, \d+\.\d s\)$/),
    ]);
  });

  test('without TensorFlow tells what was tried, what to do, and that wasm serves', async () => {
    const { environment } = sandbox();
    const { text, ended } = engines([], environment);
    expect(await ended).toBe(0);
    expect(text.errors).toMatch(/TensorFlow: not found \(.*download: no pip .*\)/);
    expect(text.errors).toMatch(/python3-pip/);
    expect(text.errors).toMatch(/WebAssembly serves/);
    expect(text.out).toBe('');
  });

  test('without the TensorFlow that SHAMPOO_BACKEND asks for fails', async () => {
    const { environment } = sandbox();
    const { text, ended } = engines([], { ...environment, SHAMPOO_BACKEND: 'tensorflow' });
    expect(await ended).toBe(1);
    expect(text.errors).not.toMatch(/WebAssembly/);
  });

  test('downloads nothing for wasm', async () => {
    const { environment, program } = sandbox();
    program('pip', 'echo called >&2; exit 1');
    const { text, ended } = engines([], { ...environment, SHAMPOO_BACKEND: 'wasm' });
    expect(await ended).toBe(0);
    expect(text.errors).toContain('download: not asked for');
    expect(text.errors).toMatch(/SHAMPOO_BACKEND=wasm/);
  });

  test('downloads nothing where it may not', async () => {
    const { environment, program } = sandbox();
    program('pip', 'echo called >&2; exit 1');
    const { text, ended } = engines(['--no-fetch'], environment);
    expect(await ended).toBe(0);
    expect(text.errors).toContain('download: not asked for');
  });

  test('misused explains itself with exit code 2', async () => {
    const { text, ended } = engines(['--nonsense'], process.env);
    expect([await ended, text.errors]).toEqual([2, expect.stringMatching(/^shampoo-engines: .*--nonsense/)]);
  });

  test('stopped by a signal while it downloads leaves nothing in the cache', async () => {
    const { environment, cache, program } = sandbox();
    program('python3', 'if [ "$3" = download ]; then exec sleep 30; fi');
    const { child, ended } = engines([], environment);
    await expect.poll(() => existing(cache), { timeout: 20_000 }).not.toEqual([]);
    child.kill('SIGTERM');
    expect(await ended).toBe(143);
    expect(existing(cache)).toEqual([]);
  });
});

const existing = (folder: string): string[] => {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
};

describe('doctor', () => {
  test('finds what this machine has', async () => {
    const findings = await doctor();
    expect(findings.map(({ name }) => name)).toEqual([
      'Node.js',
      'processor',
      'koffi',
      'TensorFlow',
      'wasm',
      'BLAS',
      'shared memory',
      'cache',
    ]);
    const value = (name: string) => findings.find((finding) => finding.name === name)?.value;
    expect(value('Node.js')).toBe(process.versions.node);
    expect(value('TensorFlow')).toMatch(/^2\.\d+\.\d+, .*libtensorflow/);
    expect(value('wasm')).toMatch(/^4\.\d+\.\d+, .*wasm-out$/);
    expect(value('BLAS')).toMatch(/^OpenBLAS/);
  });

  test('tells what is missing, where it was looked for, and what to do', async () => {
    const findings = await doctor({ ...sandbox().environment, SHAMPOO_OPENBLAS: '/nowhere/libopenblas.so' });
    const [tensorflow, blas] = findings.filter(({ state }) => state !== 'ok').filter(({ name }) => name !== 'shared memory');
    expect([tensorflow?.state, tensorflow?.tried.length, tensorflow?.advice]).toEqual([
      'warning',
      6,
      expect.stringContaining('shampoo-engines'),
    ]);
    expect([blas?.state, blas?.tried.length, blas?.advice]).toEqual(['warning', 1, expect.stringContaining('SHAMPOO_OPENBLAS')]);
  });
});
