import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { generatedSource } from '../kernels/assemble.ts';

test('the assembled kernels are those of the table', async () => {
  const file = readFileSync(new URL('../src/engine/kernels/module.generated.ts', import.meta.url), 'utf8');
  // Layout is the formatter's; what must agree are the bytes and the names.
  const strip = (text: string) => text.replace(/[\s'+|;]/g, '');
  expect(strip(file)).toBe(strip(await generatedSource()));
});
