import { expectCodesInReadme, runReadmeExample } from '@distributed-shampoo/testing';
import { expect, test } from 'vitest';

const folder = new URL('../', import.meta.url);

test("the README's example does what it says", async () => {
  expect(await runReadmeExample(folder, 'examples/regression.ts')).toEqual(expect.stringContaining('or less: true'));
});

test('the README names every code of an error', () => expectCodesInReadme(folder));
