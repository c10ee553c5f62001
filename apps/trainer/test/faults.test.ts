import { readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { generateImages } from '../src/images/index.ts';
import { inTemporaryFolder, rankOf, ranksOf, runCommand, startCommand } from './command.ts';
import { images } from './small-images.ts';

beforeAll(async () => {
  await generateImages({ folder: images.folder, trainPerClass: 12, testPerClass: 3, size: 40 });
});

const endless = ['train', '--model', 'resnet20', '--batch-size', '8', '--steps', '100000', '--train', images.train];
const sharedMemory = () => readdirSync('/dev/shm').sort();
const alive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test.each([0, 1])(
  'kill -9 of rank %i in the middle of training ends the job within 5 seconds, by name, and leaves nothing',
  async (victim) => {
    await inTemporaryFolder(async (folder) => {
      const before = sharedMemory();
      const running = startCommand([...endless, '--output', join(folder, 'run')]);
      await running.printed(/step [3-9]\d*\/100000|step \d\d+\/100000/);
      const ranks = ranksOf(running.child.pid as number);
      const pid = ranks.find((candidate) => rankOf(candidate) === victim) as number;
      expect(ranks).toHaveLength(2);
      const killed = performance.now();
      process.kill(pid, 'SIGKILL');
      const { code, stderr } = await running.ended;
      expect((performance.now() - killed) / 1000).toBeLessThan(5);
      expect(code).toBe(1);
      expect(stderr.trim().split('\n').at(-1)).toMatch(new RegExp(`rank ${victim} was killed by SIGKILL after step \\d+`));
      expect(ranks.filter(alive)).toEqual([]);
      expect(sharedMemory()).toEqual(before);
    });
  },
);

test.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)('%s saves and stops after the step that is under way, exit code %i', async (signal, expected) => {
  await inTemporaryFolder(async (folder) => {
    const running = startCommand([...endless, '--output', join(folder, 'run')]);
    await running.printed(/step \d+\/100000/);
    running.child.kill(signal);
    const { code, stdout, stderr } = await running.ended;
    expect(code, stderr).toBe(expected);
    expect(stdout).toContain('by a signal');
    expect(readdirSync(join(folder, 'run'))).toEqual(['model.safetensors']);
  });
});

test('the launcher killed, its ranks end too', async () => {
  const running = startCommand([...endless, '--output', '/nonexistent/never-written']);
  await running.printed(/step \d+\/100000/);
  const ranks = ranksOf(running.child.pid as number);
  running.child.kill('SIGKILL');
  await running.ended;
  const deadline = performance.now() + 10_000;
  while (ranks.some(alive) && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(ranks.filter(alive)).toEqual([]);
});

test.each([
  ['an unknown model', ['train', '--model', 'alexnet'], 'alexnet'],
  ['an unknown option', ['train', '--modle', 'resnet20'], '--modle'],
  ['a number that is none', ['train', '--steps', 'many'], 'many'],
  ['a missing folder', ['train', '--train', '/nonexistent/images'], '/nonexistent/images'],
  [
    'an option of the optimizer that it does not have',
    ['train', '--optimizer.typo', '1', '--model', 'resnet20', '--train', images.train],
    'typo',
  ],
  [
    'an option of the optimizer that cannot be',
    ['train', '--optimizer.epsilon', '-1', '--model', 'resnet20', '--train', images.train],
    'epsilon',
  ],
  ['a missing checkpoint', ['evaluate', '--checkpoint', '/nonexistent/run', '--test', images.test], '/nonexistent/run'],
  ['no command', ['tarin'], 'tarin'],
])('%s is one clear line and exit code 2', async (_what, args, named) => {
  const { code, stderr } = await runCommand(args);
  expect(code).toBe(2);
  const lines = stderr
    .trim()
    .split('\n')
    .filter((line) => !line.startsWith('training images'));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain(named);
  expect(stderr).not.toContain('    at ');
});

test('a port in use is one clear line and exit code 2', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const { code, stderr } = await runCommand([...endless, '--master-port', String(port)]);
  server.close();
  expect(code).toBe(2);
  expect(stderr.trim().split('\n').at(-1)).toBe(
    `--master-port: port ${port} of 127.0.0.1 is in use; name another one, or none to have a free one chosen.`,
  );
});
