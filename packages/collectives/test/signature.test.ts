import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { isStruckOut } from '../src/memory/signature.ts';
import { rankProgram } from './rank-program.ts';

test.each([
  ['with its signature is struck out', false],
  ['after taking it back is not', true],
])('a thread that ends %s', async (_how, takesBack) => {
  const buffer = new SharedArrayBuffer(128);
  expect(isStruckOut({ buffer, byteOffset: 64 })).toBe(false);
  const worker = new Worker(rankProgram('signer'), { workerData: { buffer, takesBack } });
  const [code] = await once(worker, 'exit');
  expect(code).toBe(0);
  expect(isStruckOut({ buffer, byteOffset: 64 })).toBe(!takesBack);
});
