import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Summary } from '../src/summary.ts';
import { inTemporaryFolder, runCommand } from './command.ts';

test('--data ./mine.mjs trains and tests on images of one’s own', { timeout: 60_000 }, async () => {
  await inTemporaryFolder(async (folder) => {
    const [module, output, file] = ['mine.mjs', 'run', 'summary.json'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    await writeFile(
      module,
      `export default ({ split }) => ({ classes: ['dark', 'bright'], length: split === 'train' ? 64 : 10, label: (i) => i % 2,
         read: (i) => ({ width: 32, height: 32, data: new Uint8Array(1024).fill(i % 2 ? 230 - i : 20 + i) }) });`,
    );
    const { code, stderr } = await runCommand([
      ...[
        'train',
        '--data',
        module,
        '--model',
        'resnet20',
        '--batch-size',
        '16',
        '--steps',
        '6',
        '--output',
        output,
        '--summary',
        file,
      ],
    ]);
    expect(code, stderr).toBe(0);
    const summary = JSON.parse(readFileSync(file, 'utf8')) as Summary;
    expect(summary.steps).toBe(6);
    expect(summary.testTop1).toBeGreaterThanOrEqual(0.5);
    const evaluated = await runCommand(['evaluate', '--checkpoint', output, '--test', module]);
    expect(evaluated.code, evaluated.stderr).toBe(0);
  });
});

test('a module without test images trains all the same', { timeout: 60_000 }, async () => {
  await inTemporaryFolder(async (folder) => {
    const [module, file] = [join(folder, 'mine.mjs'), join(folder, 'summary.json')];
    await writeFile(
      module,
      `export default ({ split }) => split === 'test' ? null : { classes: ['a', 'b'], length: 32, label: (i) => i % 2,
         read: (i) => ({ width: 32, height: 32, data: new Uint8Array(1024).fill(7 * i) }) };`,
    );
    const options = ['--model', 'resnet20', '--batch-size', '8', '--steps', '1', '--nproc-per-node', '1'];
    const { code, stderr } = await runCommand([
      'train',
      '--data',
      module,
      ...options,
      '--output',
      join(folder, 'run'),
      '--summary',
      file,
    ]);
    expect([code, stderr.includes('no test images')]).toEqual([0, true]);
    expect((JSON.parse(readFileSync(file, 'utf8')) as Summary).testTop1).toBeNull();
  });
});

test('a module that does not keep the contract is one clear line and exit code 2', async () => {
  await inTemporaryFolder(async (folder) => {
    const module = join(folder, 'mine.mjs');
    await writeFile(module, 'export const nothing = 1;');
    const { code, stderr } = await runCommand(['train', '--data', module, '--model', 'resnet20', '--steps', '1']);
    expect([code, stderr.trim().split('\n').length]).toEqual([2, 1]);
    expect(stderr).toMatch(/its default export is no function/);
  });
});
