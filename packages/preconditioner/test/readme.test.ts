import { expectCodesInReadme, runReadmeExample } from '@distributed-shampoo/testing';
import { expect, test } from 'vitest';

const folder = new URL('../', import.meta.url);

test("the README's example does what it says", async () => {
  expect(await runReadmeExample(folder, 'examples/matrix-block.ts')).toEqual('0.000 1.000 1.000 0.000\n');
});

test('the README names every code of an error', () => expectCodesInReadme(folder));
