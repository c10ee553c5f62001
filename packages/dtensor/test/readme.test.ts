import { expectCodesInReadme, runReadmeExample } from '@distributed-shampoo/testing';
import { expect, test } from 'vitest';

const folder = new URL('../', import.meta.url);

test("the README's example does what it says", async () => {
  expect(await runReadmeExample(folder, 'examples/two-arrows.ts')).toEqual('-1 -2 -3 -4 -5 -6\n');
});

test('the README names every code of an error', () => expectCodesInReadme(folder));
