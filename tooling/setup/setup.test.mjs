import { spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseArguments } from './arguments.mjs';
import { jobs } from './jobs.mjs';
import { isOlder } from './node-version.mjs';
import { run } from './run.mjs';
import { buildFingerprint, installFingerprint, openStamps, packageFolders } from './stamps.mjs';

const here = dirname(fileURLToPath(import.meta.url));

/** A workspace of two packages, with this set-up in it and an `npx` that logs its calls and does what it is told. */
function workspace({ npx = 'exit 0', withNpx = true } = {}) {
  const root = mkdtempSync(join(tmpdir(), 'setup-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const write = (file, text) => {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  };
  write('package.json', JSON.stringify({ packageManager: 'pnpm@1.2.3', engines: { node: '>=20.19' } }));
  write('pnpm-lock.yaml', 'lock');
  write('node_modules/.modules.yaml', '');
  write('packages/tensor/package.json', '{}');
  write('packages/tensor/src/index.ts', 'source');
  write('packages/tensor/dist/provision/main.js', "console.error('engines looked at');");
  write('apps/trainer/package.json', '{}');
  write('apps/trainer/dist/main.js', 'console.log(JSON.stringify([process.cwd(), ...process.argv.slice(2)])); process.exit(7);');
  cpSync(here, join(root, 'tooling/setup'), { recursive: true, filter: (path) => !path.includes('node_modules') });
  if (withNpx) {
    write('bin/npx', `#!/bin/sh\nprintf '%s\\n' "$*" >> ${root}/log\n${npx}\n`);
    chmodSync(join(root, 'bin/npx'), 0o755);
  }
  mkdirSync(join(root, 'bin'), { recursive: true });
  const calls = () => {
    try {
      return readFileSync(join(root, 'log'), 'utf8').trim().split('\n');
    } catch {
      return [];
    }
  };
  const setup = (...parameters) => {
    const child = spawn(process.execPath, [join(root, 'tooling/setup/setup.mjs'), ...parameters], {
      env: { PATH: join(root, 'bin'), INIT_CWD: tmpdir() },
    });
    let [out, errors] = ['', ''];
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    return new Promise((resolve) => child.on('close', (exitCode) => resolve({ exitCode, out, errors })));
  };
  return { root, write, calls, setup };
}

describe('arguments', () => {
  const names = Object.keys(jobs);

  test('without any only set up', () => {
    expect(parseArguments([], names)).toEqual({ job: 'setup', rest: [] });
  });

  test('after the job belong to it, with or without the dashes that npm may keep', () => {
    expect(parseArguments(['--then', 'train', '--steps', '3'], names)).toEqual({ job: 'train', rest: ['--steps', '3'] });
    expect(parseArguments(['--then', 'train', '--', '--steps', '3'], names)).toEqual({ job: 'train', rest: ['--steps', '3'] });
  });

  test.each([[['train']], [['--then']], [['--then', 'dance']]])('%j is misuse', (given) => {
    expect(() => parseArguments(given, names)).toThrow(
      expect.objectContaining({ exitCode: 2, message: expect.stringContaining('train') }),
    );
  });
});

test.each([
  ['20.19.0', '20.19', false],
  ['20.20.1', '20.19', false],
  ['22.0.0', '20.19', false],
  ['20.18.9', '20.19', true],
  ['18.99.0', '20.19', true],
])('Node.js %s is older than %s: %s', (version, oldest, older) => {
  expect(isOlder(version, oldest)).toBe(older);
});

describe('fingerprints', () => {
  test('packages are the folders that have a manifest', () => {
    const { root, write } = workspace();
    write('packages/notes/README.md', '');
    expect(packageFolders(root)).toEqual(['apps/trainer', 'packages/tensor', 'tooling/setup']);
  });

  test('installing depends on the lock file and every manifest, and on no source', () => {
    const { root, write } = workspace();
    const first = installFingerprint(root);
    write('packages/tensor/src/index.ts', 'changed');
    expect(installFingerprint(root)).toBe(first);
    write('packages/tensor/package.json', '{ "version": "2" }');
    const second = installFingerprint(root);
    write('pnpm-lock.yaml', 'other');
    expect(new Set([first, second, installFingerprint(root)]).size).toBe(3);
  });

  test('building depends on sources and on builds being there, and on no test', () => {
    const { root, write } = workspace();
    const first = buildFingerprint(root);
    write('packages/tensor/src/index.test.ts', 'a test');
    write('packages/tensor/test/other.ts', 'a test');
    write('packages/tensor/dist/index.js', 'built');
    expect(buildFingerprint(root)).toBe(first);
    write('packages/tensor/src/index.ts', 'longer source');
    const second = buildFingerprint(root);
    utimesSync(join(root, 'packages/tensor/src/index.ts'), 1, 1);
    const third = buildFingerprint(root);
    rmSync(join(root, 'packages/tensor/dist'), { recursive: true });
    expect(new Set([first, second, third, buildFingerprint(root)]).size).toBe(4);
  });

  test('stamps outlive the process, and a broken file is as none', () => {
    const { root, write } = workspace();
    openStamps(root).set('install', 'a');
    openStamps(root).set('build', 'b');
    expect([
      openStamps(root).has('install', 'a'),
      openStamps(root).has('build', 'b'),
      openStamps(root).has('build', 'c'),
    ]).toEqual([true, true, false]);
    write('node_modules/.setup.json', '{ "inst');
    expect(openStamps(root).has('install', 'a')).toBe(false);
  });
});

describe('a set-up', () => {
  test('installs, builds, looks at engines, each with a line; the second time only engines', async () => {
    const { calls, setup } = workspace();
    const first = await setup();
    expect(first.exitCode).toBe(0);
    expect(calls()).toEqual([
      '--yes --package=pnpm@1.2.3 pnpm install --frozen-lockfile',
      '--yes --package=pnpm@1.2.3 pnpm exec turbo run build --output-logs=errors-only',
    ]);
    expect(first.errors.trim().split('\n')).toEqual([
      'setup: install: fetching packages',
      expect.stringMatching(/^setup: install: done \(\d+\.\d s\)$/),
      expect.stringMatching(/^setup: build: done/),
      'engines looked at',
      expect.stringMatching(/^setup: engines: ready/),
    ]);
    const second = await setup();
    expect([calls().length, second.errors]).toEqual([2, expect.stringContaining('build: up to date')]);
  });

  test('builds again after a source changed, and installs again after a manifest did', async () => {
    const { calls, setup, write } = workspace();
    await setup();
    write('packages/tensor/src/index.ts', 'other source');
    await setup();
    expect(calls().at(-1)).toContain('run build');
    write('apps/trainer/package.json', '{ "name": "x" }');
    await setup();
    expect(
      calls()
        .slice(3)
        .map((call) => call.split(' ')[3]),
    ).toEqual(['install', 'exec']);
  });

  test('runs the job where npm was called, with its arguments, and ends with its exit code', async () => {
    const { setup } = workspace();
    const { exitCode, out } = await setup('--then', 'train', '--steps', '3');
    expect([exitCode, JSON.parse(out)]).toEqual([7, [tmpdir(), 'train', '--steps', '3']]);
  });

  test('keeps standard output for the job', async () => {
    const { setup } = workspace({ npx: 'echo noise' });
    const { out, errors } = await setup('--then', 'doctor');
    expect([out.includes('noise'), errors.includes('noise'), out.includes('doctor')]).toEqual([false, true, true]);
  });

  test('ends at the step that fails, with its exit code and one line', async () => {
    const { setup, calls } = workspace({ npx: 'exit 5' });
    const { exitCode, errors } = await setup('--then', 'train');
    expect([exitCode, calls().length]).toEqual([5, 1]);
    expect(errors).toMatch(/setup: install failed.*registry/);
  });

  test('without npx says what to install', async () => {
    const { setup } = workspace({ withNpx: false });
    const { exitCode, errors } = await setup();
    expect([exitCode, errors]).toEqual([127, expect.stringMatching(/npx was not found.*install npm/)]);
  });

  test('without engines ends with their exit code', async () => {
    const { setup, write } = workspace();
    write('packages/tensor/dist/provision/main.js', 'process.exit(1);');
    const { exitCode, errors } = await setup('--then', 'train');
    expect([exitCode, errors]).toEqual([1, expect.stringContaining('engines are missing')]);
  });
});

describe('a command', () => {
  const node = (code) => run({ line: [process.execPath, '--eval', code], cwd: here });

  test('gives its exit code', async () => {
    expect([await node(''), await node('process.exit(3)')]).toEqual([0, 3]);
  });

  test('that a signal ended gives 128 and its number', async () => {
    expect(await node('process.kill(process.pid, "SIGKILL")')).toBe(137);
  });

  test('gets the signals that we get, and may save before it ends', async () => {
    const script = `import { run } from ${JSON.stringify(new URL('run.mjs', import.meta.url).href)};
      const child = 'process.on("SIGTERM", () => setTimeout(() => { console.log("saved"); process.exit(143); }, 100)); setTimeout(() => {}, 20000); console.log("ready");';
      process.exitCode = await run({ line: [process.execPath, '--eval', child], cwd: ${JSON.stringify(here)} });`;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    parent.stdout.on('data', (chunk) => {
      out += chunk;
      if (String(chunk).includes('ready')) parent.kill('SIGTERM');
    });
    const exitCode = await new Promise((resolve) => parent.on('close', resolve));
    expect([exitCode, out]).toEqual([143, 'ready\nsaved\n']);
  });
});
