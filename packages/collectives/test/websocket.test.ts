import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { call, openReception, type Reception } from '../src/mesh/acquaintance.ts';
import type { Place } from '../src/rendezvous/environment.ts';
import { runRanks, startRanks } from '../src/testing/index.ts';
import { rankProgram } from './rank-program.ts';

const place = (rank: number, more: Partial<Place> = {}): Place => ({
  rank,
  size: 2,
  localRank: rank,
  localSize: 2,
  host: '127.0.0.1',
  port: 0,
  runId: 'run',
  epoch: 0,
  token: 'secret',
  ...more,
});

let reception: Reception | undefined;
afterEach(() => reception?.close());

/** Opens rank 0's server and says who was let in. */
async function open() {
  const admitted: number[] = [];
  reception = await openReception(place(0), '127.0.0.1', (rank) => admitted.push(rank));
  return { ...reception, admitted, url: `ws://127.0.0.1:${reception.address.port}/collectives` };
}

/** What becomes of a connection that is not a rank's. */
const fate = (socket: WebSocket): Promise<string> =>
  new Promise((resolve) => {
    socket.on('error', (error) => resolve(error.message));
    socket.on('close', (code) => resolve(`closed ${code}`));
  });

describe('a rank’s server', () => {
  test('lets in a rank that knows the token, once', async () => {
    const { address, admitted, refusals } = await open();
    const socket = await call(place(1), address, 0);
    expect(admitted).toEqual([1]);
    await expect(call(place(1), address, 0)).rejects.toThrow(/rank 1 is connected already/);
    expect([...refusals]).toEqual([expect.stringMatching(/connected already/)]);
    socket.terminate();
  });

  test.each([
    ['another token', { token: 'guess' }, /different COLLECTIVES_TOKENs/],
    ['another run', { runId: 'other' }, /TORCHELASTIC_RUN_ID/],
    ['an earlier start', { epoch: 7 }, /TORCHELASTIC_RESTART_COUNT/],
    ['another size', { size: 3 }, /WORLD_SIZE/],
    ['its own rank', { rank: 0 }, /RANK/],
  ])('refuses %s', async (_name, more, reason) => {
    const { address, admitted } = await open();
    await expect(call(place(1, more), address, 0)).rejects.toThrow(reason);
    expect(admitted).toEqual([]);
  });

  test.each([
    ['a web page', '', { origin: 'https://example.com' }, 'collectives.1'],
    ['another path', '/admin', {}, 'collectives.1'],
    ['another host', '', { headers: { host: 'rebound.example.com' } }, 'collectives.1'],
  ])('refuses %s with 403', async (_name, path, options, protocol) => {
    const { url, admitted, refusals } = await open();
    expect(await fate(new WebSocket(url + path, protocol, options))).toMatch(/403/);
    expect([admitted, refusals.size]).toEqual([[], 1]);
  });

  test('refuses another protocol, nonsense, a proof before hello, and a caller with too much to say', async () => {
    const { url, admitted, refusals } = await open();
    for (const [protocol, said] of [
      ['chat', '{}'],
      ['collectives.1', 'nonsense'],
      ['collectives.1', JSON.stringify({ say: 'proof', mac: '0'.repeat(64) })],
      ['collectives.1', 'x'.repeat(5000)],
    ] as const) {
      const socket = new WebSocket(url, protocol);
      socket.on('open', () => socket.send(said));
      expect(await fate(socket)).toMatch(/closed|subprotocol/);
    }
    expect(admitted).toEqual([]);
    expect(refusals.size).toBeGreaterThanOrEqual(3);
  });

  test('keeps no more strangers than there are ranks', async () => {
    const { url, refusals } = await open();
    const silent = [1, 2].map(() => new WebSocket(url, 'collectives.1'));
    await Promise.all(silent.map((socket) => new Promise((resolve) => socket.once('open', resolve))));
    expect(await fate(new WebSocket(url, 'collectives.1'))).toMatch(/403/);
    expect([...refusals]).toEqual([expect.stringMatching(/more callers at once/)]);
    for (const socket of silent) socket.terminate();
  });

  test('a recorded proof is worth nothing: the other side draws a new number each time', async () => {
    const { address, url, admitted } = await open();
    const recorded: string[] = [];
    const original = WebSocket.prototype.send;
    WebSocket.prototype.send = function send(this: WebSocket, data: never, ...rest: never[]) {
      recorded.push(String(data));
      return (original as (...parts: unknown[]) => void).call(this, data, ...rest);
    } as typeof original;
    try {
      (await call(place(1), address, 0)).terminate();
    } finally {
      WebSocket.prototype.send = original;
    }
    const said = recorded.filter((text) => text.includes('"rank":1') || text.includes('proof')).slice(0, 2);
    reception?.close();
    const again = await open();
    const socket = new WebSocket(again.url, 'collectives.1');
    socket.on('open', () => socket.send(said[0] as string));
    socket.once('message', () => socket.send(said[1] as string));
    expect(await fate(socket)).toMatch(/closed/);
    expect([admitted, again.admitted]).toEqual([[1], []]);
    expect(url).not.toBe(again.url);
  });
});

test('a transfer goes on while the main thread computes', async () => {
  const results = (await runRanks({ script: rankProgram('busy-transfer'), size: 2, limitMs: 30_000 })) as {
    seconds: number;
    right: boolean;
  }[];
  expect(results.map(({ right }) => right)).toEqual([true, true]);
  expect(results[0]!.seconds).toBeLessThan(1.5);
  expect(results[1]!.seconds).toBeGreaterThanOrEqual(2);
});

describe('several hosts', () => {
  const address = Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
  const hosts = (token: string | undefined) => (rank: number) => ({
    MASTER_ADDR: address,
    LOCAL_RANK: '0',
    LOCAL_WORLD_SIZE: '1',
    COLLECTIVES_TRANSPORT: 'websocket',
    COLLECTIVES_TOKEN: token,
    RANK: String(rank),
  });

  test('ranks meet at an address that other machines reach, with a token', async ({ skip }) => {
    if (address === undefined) skip('this machine has no address but loopback');
    const results = (await runRanks({
      script: rankProgram('conformance'),
      size: 2,
      limitMs: 60_000,
      environment: hosts('secret'),
    })) as { failures: unknown[] }[];
    expect(results.map(({ failures }) => failures)).toEqual([[], []]);
  });

  test('without a token they refuse to', async ({ skip }) => {
    if (address === undefined) skip('this machine has no address but loopback');
    const outcomes = await (
      await startRanks({ script: rankProgram('conformance'), size: 2, limitMs: 30_000, environment: hosts(undefined) })
    ).outcomes();
    for (const { code, output } of outcomes)
      expect([code, output]).toEqual([1, expect.stringMatching(/unauthorized|a token is needed/)]);
  });
});

test('ranks that ask for different transports are told so', async () => {
  const environment = (rank: number) => ({ COLLECTIVES_TRANSPORT: rank === 0 ? 'websocket' : 'shared-memory' });
  const outcomes = await (
    await startRanks({ script: rankProgram('conformance'), size: 2, limitMs: 30_000, environment })
  ).outcomes();
  for (const { code, output } of outcomes)
    expect([code, output]).toEqual([1, expect.stringMatching(/rank 0 asks for transport websocket, rank 1 for shared-memory/)]);
});
