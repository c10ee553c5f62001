import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { connect } from '../src/index.ts';

const held = () => ({
  threads: readdirSync('/proc/self/task').length,
  descriptors: readdirSync('/proc/self/fd').length,
});

describe('a group of one', () => {
  test('needs no thread, no socket and no file', async () => {
    const before = held();
    const group = await connect({ environment: {} });
    const x = new Float32Array([1, 2, 3]);
    group.allReduceSync(x, { op: 'mean' });
    group.barrierSync();
    group.broadcastSync(x, { source: 0 });
    expect([...x]).toEqual([1, 2, 3]);
    expect(held()).toEqual(before);
    expect(group).toMatchObject({ rank: 0, size: 1, localRank: 0, localSize: 1 });
    expect(group.capabilities).toMatchObject({ transport: 'single', memory: 'private' });
    await group.close();
  });

  test('moves what is to be moved', async () => {
    const group = await connect({ environment: {} });
    const whole = new Float64Array([1, 2, 3]);
    const mine = new Float64Array(3);
    group.reduceScatterSync(mine, whole, { counts: [3] });
    expect([...mine]).toEqual([1, 2, 3]);
    await group.allGather(whole, mine.fill(5), { counts: [3] });
    expect([...whole]).toEqual([5, 5, 5]);
    await group.close();
  });

  test('allocates the layout of any group, on pages of 64 KiB', async () => {
    const group = await connect({ environment: { WORLD_SIZE: '1', RANK: '0' } });
    const { memory, peerOffset, groupOffset, privateOffset, zeroCopy } = group.allocate({
      peerBytes: 70_000,
      groupBytes: 10,
      privateBytes: 0,
    });
    expect([peerOffset(0), groupOffset, privateOffset]).toEqual([1, 3, 4].map((page) => page * 65536));
    expect(memory.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(zeroCopy).toBe(true);
    await group.close();
  });

  test.each([
    [{ peerBytes: -1, groupBytes: 0, privateBytes: 0 }, /peerBytes must be an integer of at least 0, got -1/],
    [{ peerBytes: 2 ** 32, groupBytes: 0, privateBytes: 0 }, /one WebAssembly memory ends at 4294967296/],
  ])('refuses to allocate %j', async (sizes, sentence) => {
    const group = await connect({ environment: {} });
    expect(() => group.allocate(sizes)).toThrow(
      expect.objectContaining({ code: 'bad-argument', message: expect.stringMatching(sentence) }),
    );
    await group.close();
  });

  test('checks its arguments as any other', async () => {
    const group = await connect({ environment: {} });
    expect(() => group.broadcastSync(new Float32Array(1), { source: 1 })).toThrow(/source must be a rank from 0 to 0/);
    expect(() => group.allReduceSync(new Uint8Array(1))).toThrow(/not supported/);
    await group.close();
  });

  test('is unusable once aborted, for the first reason, and once closed; both may be done twice', async () => {
    const group = await connect({ environment: {} });
    group.throwIfAborted();
    group.step = 4;
    group.abort('enough');
    group.abort('more than enough');
    for (const use of [() => group.throwIfAborted(), () => group.barrierSync(), () => group.allReduceSync(new Float32Array(1))]) {
      expect(use).toThrow(expect.objectContaining({ code: 'aborted', rank: 0, message: expect.stringContaining('enough') }));
    }
    await Promise.all([group.close(), group.close()]);
    await group.close();
    group.abort('too late');
    expect(() => group.barrierSync()).toThrow(expect.objectContaining({ code: 'closed', operation: 'barrier' }));
    await expect(group.allReduce(new Float32Array(1))).rejects.toMatchObject({ code: 'closed' });
  });
});
