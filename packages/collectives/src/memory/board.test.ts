import { closeSync, openSync, rmSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { nowhere } from '../algorithms/call-line.ts';
import { barrierCall } from '../call.ts';
import type { Board, BoardThread } from './board.ts';
import { FileBoard } from './file-board.ts';
import { controlLayout } from './layout.ts';
import { MappedBoard } from './mapped-board.ts';
import { createTmpfs, tmpfsPath } from './shared-file.ts';

type MakeBoards = (size: number) => (rank: number, thread?: BoardThread) => Board;
const clean: (() => void)[] = [];

/** Ranks of one thread: only the last one to come to a meeting may wait for it, the others give up at once. */
const kinds: Record<string, MakeBoards> = {
  mapped(size) {
    const buffer = new SharedArrayBuffer(controlLayout(size).totalBytes);
    return (rank, thread = 0) => new MappedBoard({ buffer, base: 0 }, { rank, size, thread });
  },
  file(size) {
    const path = tmpfsPath();
    const lengthBytes = controlLayout(size).totalBytes;
    const { fd } = createTmpfs(path, lengthBytes);
    const logFd = openSync(path, 'a');
    rmSync(path);
    clean.push(() => [fd, logFd].map(closeSync));
    const alarms = Array.from({ length: size }, () => new Int32Array(new SharedArrayBuffer(4)));
    return (rank) => new FileBoard({ fd, logFd, lengthBytes, alarm: alarms[rank]! }, { rank, size });
  },
};

const ranks = (board: ReturnType<MakeBoards>, size: number) => Array.from({ length: size }, (_, r) => board(r));

afterEach(() => {
  for (const close of clean.splice(0)) close();
});

describe.each(Object.entries(kinds))('a board over %s memory', (_kind, make) => {
  test('opens a meeting when the last one comes, again and again', () => {
    const [a, b] = ranks(make(2), 2) as [Board, Board];
    for (let i = 0; i < 5; i++) {
      expect(a.meet(0)).toBe('timeout');
      expect(b.meet(0)).toBe('met');
      expect(a.missing()).toEqual([]);
    }
  });

  test('knows who is missing, and where it was last', () => {
    const [a, b, c] = ranks(make(3), 3) as [Board, Board, Board];
    c.advance();
    c.lines()[2]!.write(barrierCall({ rank: 2, size: 3, seq: 4, step: 9 }), { input: nowhere, output: nowhere });
    c.publish();
    expect(a.meet(0)).toBe('timeout');
    expect(b.meet(1)).toBe('timeout');
    expect(a.missing()).toEqual([2]);
    expect(a.lastCall(2)).toEqual({ operation: 'barrier', seq: 4, step: 9 });
    expect(a.lastCall(1)).toMatchObject({ seq: 0 });
  });

  test('shows the lines of all to all, also while one is a call ahead', () => {
    const [a, b] = ranks(make(2), 2) as [Board, Board];
    const enter = (board: Board, seq: number) => {
      board.advance();
      board
        .lines()
        [board.rank]!.write(barrierCall({ rank: board.rank, size: 2, seq, step: 10 * seq }), { input: nowhere, output: nowhere });
      board.publish();
    };
    enter(a, 1);
    enter(b, 1);
    const seen = a.lines();
    a.collect();
    enter(b, 2); // b has gone on; a still reads
    expect(seen.map((line) => line.seq)).toEqual([1, 1]);
    enter(a, 2);
    a.collect();
    expect(a.lines().map((line) => line.step)).toEqual([20, 20]);
  });

  test('does not wait for who has closed, but a meeting that was complete stays so', () => {
    const [a, b] = ranks(make(2), 2) as [Board, Board];
    expect(a.meet(0)).toBe('timeout');
    expect(b.meet(0)).toBe('met');
    b.depart();
    expect(a.missing()).toEqual([]);
    expect(a.departed()).toEqual([1]);
    expect(a.meet(10_000)).toBe('departed');
  });

  test('keeps the first cause, on all ranks', () => {
    const [a, b] = ranks(make(2), 2) as [Board, Board];
    expect([a.aborted(), a.cause()]).toEqual([false, undefined]);
    a.raise({ code: 'aborted', rank: 0, message: 'the first' });
    b.raise({ code: 'peer-lost', rank: 0, message: 'the second' });
    a.raise({ code: 'timeout', message: 'the third' });
    b.wake();
    for (const board of [a, b]) {
      expect(board.aborted()).toBe(true);
      expect(board.cause()).toEqual({ code: 'aborted', rank: 0, message: 'the first' });
      expect(board.meet(10_000)).toBe('aborted');
    }
  });

  test('holds a cause of any length, cut in its sentence only', () => {
    const board = make(2)(0);
    const missingRanks = Array.from({ length: 200 }, (_, r) => r);
    board.raise({ code: 'timeout', missingRanks, message: 'é'.repeat(5000) });
    const cause = board.cause()!;
    expect(cause.missingRanks).toEqual(missingRanks);
    expect(cause.message).toMatch(/^é+\.\.\.$/);
  });

  test('carries single words, for the self-test', () => {
    const [a, b] = ranks(make(2), 2) as [Board, Board];
    a.poke(controlLayout(2).nonce, -12345);
    expect(b.peek(controlLayout(2).nonce)).toBe(-12345);
  });
});

test('both threads of a rank may raise at once: the record of one is not overwritten by the other', () => {
  const make = kinds.mapped!(2);
  make(0, 1).raise({ code: 'peer-lost', rank: 1, message: 'seen by the progress thread' });
  make(0, 0).raise({ code: 'timeout', rank: 1, message: 'seen by the main thread' });
  expect(make(1).cause()).toMatchObject({ message: 'seen by the progress thread' });
});
