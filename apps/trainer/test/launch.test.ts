import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { generateImages } from '../src/images/index.ts';
import { freePort } from '../src/launch/free-port.ts';
import { launch } from '../src/launch/launch.ts';
import { inTemporaryFolder, runCommand, runModule } from './command.ts';
import { images } from './small-images.ts';

const example = (name: string) => fileURLToPath(new URL(`../examples/${name}`, import.meta.url));
const codeOf = (program: string | URL, options = {}) => launch(program, { execArgv: [], stdout: 'stderr', ...options });

/** A plain module, started as two ranks. @returns the exit code. */
const launchText = (text: string, options = {}) =>
  inTemporaryFolder(async (folder) => {
    const file = join(folder, 'program.mjs');
    await writeFile(file, text);
    return codeOf(file, options);
  });

test("ranks get torchrun's variables, the arguments, and one token", async () => {
  const heard: unknown[] = [];
  const code = await launchText(
    `const { RANK, LOCAL_RANK, WORLD_SIZE, LOCAL_WORLD_SIZE, MASTER_ADDR, COLLECTIVES_TOKEN } = process.env;
     process.send({ place: [RANK, LOCAL_RANK, WORLD_SIZE, LOCAL_WORLD_SIZE, MASTER_ADDR].join(' '), COLLECTIVES_TOKEN, args: process.argv.slice(2) });
     process.disconnect();`,
    { nprocPerNode: 3, args: ['--a', 'b'], onMessage: (message: unknown) => heard.push(message) },
  );
  expect(code).toBe(0);
  const messages = heard as { place: string; args: string[]; COLLECTIVES_TOKEN: string }[];
  expect(new Set(messages.map(({ place }) => place))).toEqual(
    new Set(['0 0 3 3 127.0.0.1', '1 1 3 3 127.0.0.1', '2 2 3 3 127.0.0.1']),
  );
  expect(messages.every(({ args }) => args.join(' ') === '--a b')).toBe(true);
  expect(new Set(messages.map((one) => one.COLLECTIVES_TOKEN)).size).toBe(1);
  expect(messages[0]?.COLLECTIVES_TOKEN).toMatch(/^[0-9a-f]{32}$/);
});

test('ranks of the second of two hosts come after those of the first', async () => {
  const heard: string[] = [];
  const code = await launchText(`process.send(process.env.RANK + '/' + process.env.WORLD_SIZE); process.disconnect();`, {
    nodes: { count: 2, index: 1, address: '192.0.2.1' },
    masterPort: 4000,
    environment: { ...process.env, COLLECTIVES_TOKEN: 'secret' },
    onMessage: (message: string) => heard.push(message),
  });
  expect(code).toBe(0);
  expect(new Set(heard)).toEqual(new Set(['2/4', '3/4']));
});

test.each([
  [
    'hosts without a token',
    { nodes: { count: 2, index: 1, address: '192.0.2.1' }, masterPort: 4000, environment: {} },
    /COLLECTIVES_TOKEN/,
  ],
  ['hosts without a port', { nodes: { count: 2, index: 1, address: '192.0.2.1' } }, /--master-port/],
  ['no ranks', { nprocPerNode: 0 }, /nprocPerNode is 0/],
])('%s is misuse', async (_name, options, message) => {
  await expect(launchText('', options)).rejects.toMatchObject({ code: 'misuse', message: expect.stringMatching(message) });
});

test('a program that is not there is misuse', async () => {
  await expect(codeOf('/nowhere/program.mjs')).rejects.toMatchObject({ code: 'misuse' });
});

test('one rank that fails ends the others, which would wait for ever, and is named', async () => {
  const started = performance.now();
  await expect(
    launchText(`if (process.env.RANK === '1') process.exit(7); setInterval(() => undefined, 1000);`),
  ).rejects.toMatchObject({ code: 'rank-lost', message: 'rank 1 ended with exit code 7.' });
  expect(performance.now() - started).toBeLessThan(5000);
});

test('a rank that a signal ended is the cause, whatever the others say', async () => {
  await expect(
    launchText(`if (process.env.RANK === '0') process.kill(process.pid, 'SIGKILL'); setTimeout(() => process.exit(3), 300);`),
  ).rejects.toMatchObject({ message: 'rank 0 was killed by SIGKILL.' });
});

test('an MLP in a loop of its own learns two spirals on two ranks', { timeout: 60_000 }, async () => {
  const { code, stdout, stderr } = await runModule(example('mlp.mjs'));
  expect(code, stderr).toBe(0);
  const losses = [...stdout.matchAll(/^epoch \d+ {2}loss (.*)$/gm)].map(([, loss]) => Number(loss));
  expect(losses).toHaveLength(10);
  expect(losses.at(-1)).toBeLessThan(0.1);
});

test('a Keras-style model learns by fitDataset on two ranks', { timeout: 60_000 }, async () => {
  const { code, stdout, stderr } = await runModule(example('layers-model.mjs'));
  expect(code, stderr).toBe(0);
  const accuracies = [...stdout.matchAll(/accuracy (.*) %$/gm)].map(([, accuracy]) => Number(accuracy));
  expect(accuracies).toHaveLength(15);
  expect(accuracies.at(-1)).toBeGreaterThan(95);
});

test('two launchers train together, as on two hosts, and end with the same parameters', { timeout: 60_000 }, async () => {
  await inTemporaryFolder(async (folder) => {
    await generateImages({ folder: images.folder, trainPerClass: 6, testPerClass: 1, size: 40 });
    const port = String(await freePort(null));
    const host = (node: string) =>
      runCommand(
        [
          ...['train', '--model', 'resnet20', '--train', images.train, '--batch-size', '4', '--steps', '2'],
          ...['--nnodes', '2', '--node-rank', node, '--nproc-per-node', '1', '--transport', 'websocket'],
          ...['--master-addr', 'localhost', '--master-port', port],
          ...['--output', join(folder, node), '--summary', join(folder, `${node}.json`)],
        ],
        { COLLECTIVES_TOKEN: 'secret' },
      );
    const [first, second] = await Promise.all([host('0'), host('1')]);
    expect([first.code, second.code], first.stderr + second.stderr).toEqual([0, 0]);
    const summary = JSON.parse(readFileSync(join(folder, '0.json'), 'utf8'));
    expect(summary).toMatchObject({ ranks: 2, steps: 2 });
    expect(new Set(summary.parametersHash).size).toBe(1);
  });
});
