import { expectCodesInReadme, runReadmeExample } from '@distributed-shampoo/testing';
import { expect, test } from 'vitest';

const folder = new URL('../', import.meta.url);

test("the README's example does what it says", async () => {
  expect(await runReadmeExample(folder, 'test/example.ts')).toMatch(/^tensorflow 2\.\d+\.\d+ on 2 threads\nloss fell: true\n$/);
});

test('the README names every code of an error', () => expectCodesInReadme(folder));
