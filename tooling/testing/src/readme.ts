import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'vitest';

/**
 * Asserts that a package's README shows an example file word for word, and runs it from source.
 *
 * @param folder of the package. @param file path of the example in it.
 * @returns what the example printed.
 */
export async function runReadmeExample(folder: URL, file: string): Promise<string> {
  const source = readFileSync(new URL(file, folder), 'utf8');
  expect(readFileSync(new URL('README.md', folder), 'utf8'), `README.md shows ${file}`).toContain(`\`\`\`ts\n${source}\`\`\`\n`);
  const parameters = ['--conditions=@distributed-shampoo/source', '--import', 'tsx', file];
  const { stdout } = await promisify(execFile)(process.execPath, parameters, { cwd: fileURLToPath(folder) });
  return stdout;
}

/** Asserts that a package's README names every code that its `errors.ts` lists. */
export function expectCodesInReadme(folder: URL): void {
  const codes = [...readFileSync(new URL('src/errors.ts', folder), 'utf8').matchAll(/^ {2}(?:\| )?'([a-z-]+)'/gm)].map(
    ([, code]) => code as string,
  );
  expect(codes.length).toBeGreaterThan(0);
  const readme = readFileSync(new URL('README.md', folder), 'utf8');
  for (const code of codes) expect(readme, code).toContain(`\`${code}\``);
}
