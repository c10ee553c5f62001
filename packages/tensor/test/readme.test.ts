import { readFileSync } from 'node:fs';
import { expectCodesInReadme, runReadmeExample } from '@distributed-shampoo/testing';
import { expect, test } from 'vitest';
import { cudaWheels } from '../src/provision/cuda-wheels.ts';
import { blasWheels, tensorflowWheels } from '../src/provision/wheels.ts';

const folder = new URL('../', import.meta.url);

test("the README's example does what it says", async () => {
  expect(await runReadmeExample(folder, 'test/example.ts')).toMatch(/^tensorflow 2\.\d+\.\d+ on 2 threads\nloss fell: true\n$/);
});

test('the README names every code of an error', () => expectCodesInReadme(folder));

test('the README names the wheels that are fetched, and their sizes', () => {
  const readme = readFileSync(new URL('README.md', folder), 'utf8');
  for (const { project, version } of [tensorflowWheels['linux-x64'], blasWheels['linux-x64']]) {
    expect(readme).toContain(`${project}==${version}`);
  }
  const sum = (size: 'downloadMegabytes' | 'unpackedMegabytes') => cudaWheels.reduce((total, wheel) => total + wheel[size], 0);
  const rows = [
    ...Object.values(tensorflowWheels).map(({ downloadMegabytes, unpackedMegabytes }) => [downloadMegabytes, unpackedMegabytes]),
    [sum('downloadMegabytes'), sum('unpackedMegabytes')],
  ];
  for (const [fetched, unpacked] of rows) expect(readme).toMatch(new RegExp(`\\| ${fetched} +\\| ${unpacked} +\\|`));
});
