import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { doctor, searchBlas, searchTensorFlow } from '../../src/node.ts';
import { thisTarget } from '../../src/provision/wheels.ts';
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

  test('announces the size of TensorFlow for GPUs before it asks pip', async (context) => {
    context.skip(thisTarget() !== 'linux-x64', 'CUDA libraries are pinned for linux-x64');
    const { environment, cache, program } = sandbox();
    program('python3', 'if [ "$3" = download ]; then echo "pip: $*" >&2; echo "ERROR: No network" >&2; exit 1; fi');
    for (const [parameters, backend] of [[['--gpu'], {}] as const, [[], { SHAMPOO_BACKEND: 'tensorflow-gpu' }] as const]) {
      const { text, ended } = engines(parameters, { ...environment, ...backend });
      expect(await ended).toBe(1);
      expect(text.errors).toMatch(
        /^ {2}wheels to fetch: 13, 3\.4 GB to download, 5\.6 GB on the disk in the end\n {2}1\/13 tensorflow 2\.\d+\.\d+: downloading \d+ MB with pip\n/,
      );
      expect(text.errors).toMatch(
        /TensorFlow for GPUs: not found \(.*download: pip could not download tensorflow==.*ERROR: No network\. Look at network, proxy.*\)/,
      );
    }
    expect(existing(cache)).toEqual([]);
  });

  test('advises to install pip only where there is none', async () => {
    const { environment, program } = sandbox();
    program('pip', 'if [ "$1" = download ]; then exit 1; fi');
    const { text, ended } = engines([], environment);
    expect([await ended, text.errors]).toEqual([0, expect.stringContaining('  Run this again,')]);
  });

  test('lists what it has fetched, and clears it', async () => {
    const { environment, cache } = sandbox();
    const folder = join(cache, 'scipy-openblas32-0.3.34-linux-x64');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'libscipy_openblas.so'), Buffer.alloc(2_000_000));
    const run = async (...parameters: string[]) => {
      const { text, ended } = engines(parameters, environment);
      expect(await ended).toBe(0);
      return text;
    };
    expect((await run('list')).errors).toBe(`scipy-openblas32-0.3.34-linux-x64: 2 MB\n${cache}: 2 MB\n`);
    expect(JSON.parse((await run('list', '--json')).out)).toEqual({
      cache,
      engines: [{ name: 'scipy-openblas32-0.3.34-linux-x64', path: folder, megabytes: 2 }],
    });
    expect((await run('clear')).errors).toBe(`removed scipy-openblas32-0.3.34-linux-x64: 2 MB\n${cache}: removed 2 MB\n`);
    expect(existing(cache)).toEqual([]);
    expect((await run('list')).errors).toBe(`${cache}: 0 MB\n`);
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
    const other = engines(['remove'], process.env);
    expect([await other.ended, other.text.errors]).toEqual([2, expect.stringMatching(/^shampoo-engines: .*"remove"/)]);
  });

  test('stopped by a signal while it downloads leaves nothing in the cache, and no pip', async () => {
    const { environment, cache, folder, program } = sandbox();
    const [started, told] = [join(folder, 'started'), join(folder, 'told')];
    const wait = `trap 'kill $!; touch ${told}; exit' TERM; sleep 30 & touch ${started}; wait`;
    program('python3', `if [ "$3" = download ]; then ${wait}; fi`);
    const { child, ended } = engines([], environment);
    await expect.poll(() => existsSync(started) && existing(cache).length > 0, { timeout: 20_000 }).toBe(true);
    child.kill('SIGTERM');
    expect(await ended).toBe(143);
    expect(existing(cache)).toEqual([]);
    await expect.poll(() => existsSync(told), { timeout: 5000 }).toBe(true);
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

  test('looks at the GPU where one is asked for', async () => {
    const { found } = await searchTensorFlow();
    const findings = await doctor({ SHAMPOO_BACKEND: 'tensorflow-gpu', SHAMPOO_TENSORFLOW: dirname(found!.library) });
    expect(findings.map(({ name }) => name)).toEqual(expect.arrayContaining(['TensorFlow for GPUs', 'GPU']));
    const gpu = findings.find(({ name }) => name === 'GPU')!;
    expect(gpu.value).toMatch(/\d of 8 CUDA libraries load$/);
    expect(gpu.state === 'ok').toBe(gpu.advice === undefined);
  });
});
