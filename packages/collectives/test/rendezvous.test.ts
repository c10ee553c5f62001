import { readdirSync } from 'node:fs';
import { createServer, connect as dial, type Server } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { type CollectivesError, type ConnectOptions, connect, type ProcessGroup } from '../src/index.ts';
import { freePort } from '../src/testing/index.ts';
import { encodeFrame } from '../src/wire/frame.ts';

/** Ranks of these tests are all in this process: finding each other needs no process of their own. */
interface Member extends Omit<ConnectOptions, 'environment'> {
  readonly rank: number;
  readonly port: number;
  readonly size?: number;
  readonly environment?: NodeJS.ProcessEnv;
}

const groups: ProcessGroup[] = [];

async function join({ rank, port, size = 2, environment = {}, ...options }: Member): Promise<ProcessGroup> {
  const own = { RANK: String(rank), WORLD_SIZE: String(size), MASTER_PORT: String(port), ...environment };
  const group = await connect({ timeoutMs: 20_000, ...options, environment: own });
  groups.push(group);
  return group;
}

/** The error with which each one failed. */
async function failures(joining: readonly Promise<ProcessGroup>[]): Promise<CollectivesError[]> {
  const results = await Promise.allSettled(joining);
  return results.map((result) => {
    expect(result.status).toBe('rejected');
    return (result as PromiseRejectedResult).reason as CollectivesError;
  });
}

async function expectConnected(joining: readonly Promise<ProcessGroup>[]): Promise<void> {
  const connected = await Promise.all(joining);
  expect(connected.map(({ rank }) => rank)).toEqual(connected.map((_, r) => r));
}

async function listen(port = 0, onConnection: Parameters<typeof createServer>[1] = () => {}): Promise<Server> {
  const server = createServer(onConnection);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return server;
}
const stop = (server: Server) => new Promise((resolve) => server.close(resolve));

afterEach(async () => {
  await Promise.all(groups.splice(0).map((group) => group.close()));
  expect(readdirSync('/dev/shm').filter((name) => name.startsWith('collectives-'))).toEqual([]);
});

describe('ranks that are all there', () => {
  test('find each other, whoever comes first, and the port is free again', async () => {
    const port = await freePort();
    const late = join({ rank: 1, port, size: 3 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await expectConnected([join({ rank: 0, port, size: 3 }), late, join({ rank: 2, port, size: 3 })]);
    await stop(await listen(port));
  });

  test("meet beside torchrun's agent, which holds MASTER_PORT", async () => {
    const agent = await listen();
    const { port } = agent.address() as { port: number };
    const own = { TORCHELASTIC_USE_AGENT_STORE: 'True', TORCHELASTIC_RUN_ID: 'none', COLLECTIVES_PORT: String(await freePort()) };
    try {
      await expectConnected([0, 1].map((rank) => join({ rank, port, environment: own })));
    } finally {
      await stop(agent);
    }
  });

  test('are not disturbed by strangers on their port', async () => {
    const port = await freePort();
    const first = join({ rank: 0, port });
    const say = (bytes: Uint8Array | string) =>
      new Promise<void>((resolve) => {
        const attempt = () => {
          const socket = dial(port, '127.0.0.1', () => socket.write(bytes));
          socket.on('error', () => setTimeout(attempt, 50));
          socket.on('close', () => resolve());
          socket.on('end', () => socket.end());
        };
        attempt();
      });
    await say('GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n'.padEnd(200));
    await say(encodeFrame({ type: 'store', epoch: 0, source: 1, destination: 0, payload: Buffer.from('memory/0/verdict\nok') }));
    await say(encodeFrame({ type: 'hello', epoch: 0, source: 1, destination: 0, payload: Buffer.from('{"say":"hello"}') }));
    await say(new Uint8Array(5000).fill(0xff));
    await expectConnected([first, join({ rank: 1, port })]);
  });

  test('know each other by a token, and a rank with another one is turned away while the group goes on', async () => {
    const port = await freePort();
    const token = { COLLECTIVES_TOKEN: 'secret' };
    const first = join({ rank: 0, port, environment: token });
    const [error] = await failures([join({ rank: 1, port, environment: { COLLECTIVES_TOKEN: 'guess' } })]);
    expect(error).toMatchObject({ code: 'unauthorized', rank: 1 });
    await expectConnected([first, join({ rank: 1, port, environment: token })]);
  });

  test('an earlier start of the run that still holds the port is waited for', async () => {
    const port = await freePort();
    const old = join({ rank: 0, port, timeoutMs: 1500 });
    const next = join({ rank: 1, port, environment: { TORCHELASTIC_RESTART_COUNT: '1' } });
    const [error] = await failures([old]);
    expect(error).toMatchObject({ code: 'rendezvous', missingRanks: [1] });
    expect(error!.message).toContain('TORCHELASTIC_RESTART_COUNT');
    await expectConnected([join({ rank: 0, port, environment: { TORCHELASTIC_RESTART_COUNT: '1' } }), next]);
  });
});

describe('a start that fails', () => {
  test('lists all ranks that are missing, on every rank that is there', async () => {
    const port = await freePort();
    const errors = await failures([0, 2].map((rank) => join({ rank, port, size: 5, timeoutMs: 2500 })));
    for (const error of errors)
      expect(error).toMatchObject({ code: 'rendezvous', rank: 1, missingRanks: [1, 3, 4], waitedMs: 2500 });
  });

  test('names rank 0 where nobody serves', async () => {
    const port = await freePort();
    const [error] = await failures([join({ rank: 1, port, timeoutMs: 1000 })]);
    expect(error).toMatchObject({ code: 'rendezvous', rank: 0, missingRanks: [0] });
    expect(error!.message).toContain(`127.0.0.1:${port}`);
    expect(error!.message).toContain('ECONNREFUSED');
  });

  test('names the port that is in use, at once', async () => {
    const holder = await listen();
    const { port } = holder.address() as { port: number };
    const began = performance.now();
    const [error] = await failures([join({ rank: 0, port })]);
    expect(error).toMatchObject({ code: 'rendezvous', rank: 0 });
    expect(error!.message).toMatch(new RegExp(`port ${port} on 127.0.0.1 is in use`));
    expect(performance.now() - began).toBeLessThan(10_000); // not the 20 seconds that missing ranks are waited for
    await stop(holder);
  });

  test('says what was wrong where another program answers', async () => {
    const other = await listen(0, (socket) =>
      socket
        .on('error', () => {})
        .resume()
        .end('HTTP/1.1 400 Bad Request\r\n\r\n'.padEnd(100)),
    );
    const { port } = other.address() as { port: number };
    const [error] = await failures([join({ rank: 1, port, timeoutMs: 1500 })]);
    expect(error!.message).toContain('does not speak this protocol');
    await stop(other);
  });

  test.each([
    ['two processes with one rank', { rank: 1 }, /rank 1 has joined already/],
    ['another WORLD_SIZE', { rank: 1, size: 2 }, /WORLD_SIZE 2, rank 0 says 3/],
  ])('%s: the one that does not fit fails at once, with the reason, and the rest goes on', async (_what, wrong, reason) => {
    const port = await freePort();
    const right = [0, 1].map((rank) => join({ rank, port, size: 3 }));
    await new Promise((resolve) => setTimeout(resolve, 1500)); // rank 1 is in
    const [error] = await failures([join({ port, size: 3, ...wrong })]);
    expect(error).toMatchObject({ code: 'rendezvous', message: expect.stringMatching(reason) });
    await expectConnected([...right, join({ rank: 2, port, size: 3 })]);
  });

  test('ranks that may not use the same memory are told what each one can', async () => {
    const port = await freePort();
    const errors = await failures(
      (['file', 'view'] as const).map((memory, rank) => join({ rank, port, environment: { COLLECTIVES_MEMORY: memory } })),
    );
    for (const error of errors) {
      expect(error).toMatchObject({ code: 'unsupported' });
      expect(error.message).toContain('rank 0 can use file; rank 1 can use view');
    }
  });
});

test.each([
  [{ timeoutMs: 0 }, /timeoutMs/],
  [{ timeout: 5 } as object, /timeout/],
  [{ transport: 'carrier-pigeon' as never }, /transport/],
])('options that do not exist are refused by name: %j', async (options, sentence) => {
  await expect(connect({ environment: {}, ...options })).rejects.toMatchObject({
    code: 'bad-argument',
    message: expect.stringMatching(sentence),
  });
});
