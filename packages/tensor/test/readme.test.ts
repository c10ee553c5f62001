import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const packageFolder = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string) => readFileSync(`${packageFolder}/${file}`, 'utf8');

test("the README's example is test/example.ts, and does what it says", async () => {
  expect(read('README.md')).toContain(`\`\`\`ts\n${read('test/example.ts')}\`\`\`\n`);
  const parameters = ['--conditions=@distributed-shampoo/source', '--import', 'tsx', 'test/example.ts'];
  const { stdout } = await promisify(execFile)(process.execPath, parameters, { cwd: packageFolder });
  expect(stdout).toMatch(/^tensorflow 2\.\d+\.\d+ on 2 threads\nloss fell: true\n$/);
});

test('the README names every code of an error', () => {
  const codes = [...read('src/errors.ts').matchAll(/^ {2}\| '([a-z-]+)'/gm)].map(([, code]) => code as string);
  expect(codes.length).toBeGreaterThan(5);
  for (const code of codes) expect(read('README.md')).toContain(`\`${code}\``);
});
