import { fstatSync, readSync, writeSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { CallLine } from '../algorithms/call-line.ts';
import type { Cause } from '../errors.ts';
import type { Board, Meeting } from './board.ts';
import { CACHE_LINE, type ControlLayout, controlLayout, RECORD_BYTES } from './layout.ts';
import { decodeCause, encodeCause } from './record.ts';

/** A plain file that every rank has open. */
export interface BoardFile {
  readonly fd: number;
  /** The same file, opened to append: the log of causes. The first record that anyone appends is the first cause. */
  readonly logFd: number;
  /** Where the log begins: the length of the file while all is well. */
  readonly lengthBytes: number;
  /** One word of this process: not 0 where the group is known to have failed. Its main thread naps on it, its progress thread wakes it. */
  readonly alarm: Int32Array<SharedArrayBuffer>;
}

const POLLS_BEFORE_NAPPING = 50;
const SHORTEST_NAP_MS = 0.05;
const LONGEST_NAP_MS = 1;

/**
 * A board in a plain file, for machines without native code: every rank counts its meetings in a word of its own and polls the
 * words of the others. No word has two writers, since a file has no atomic addition; appending is atomic, so the log orders causes.
 */
export class FileBoard implements Board {
  readonly rank: number;
  readonly size: number;
  readonly futex = false;
  readonly #layout: ControlLayout;
  readonly #file: BoardFile;
  /** Call lines and rank lines as last read. */
  readonly #copy: Uint8Array;
  readonly #rankWords: Int32Array;
  readonly #lines: readonly (readonly CallLine[])[];
  readonly #polls: number;
  #slot = 0;
  #meetings = 0;

  constructor(file: BoardFile, { rank, size }: { rank: number; size: number }) {
    const layout = controlLayout(size);
    const buffer = new ArrayBuffer(layout.totalBytes);
    this.rank = rank;
    this.size = size;
    this.#layout = layout;
    this.#file = file;
    this.#copy = new Uint8Array(buffer);
    this.#rankWords = new Int32Array(buffer, layout.rankLine(0), (size * CACHE_LINE) / 4);
    this.#polls = size <= availableParallelism() ? POLLS_BEFORE_NAPPING : 0;
    this.#lines = [0, 1].map((slot) =>
      Array.from({ length: size }, (_, r) => new CallLine(buffer, layout.callLine(slot, r), layout.callLineBytes)),
    );
  }

  lines(): readonly CallLine[] {
    return this.#lines[this.#slot]!;
  }

  advance(): void {
    this.#slot ^= 1;
  }

  publish(): void {
    const at = this.#layout.callLine(this.#slot, this.rank);
    writeSync(this.#file.fd, this.#copy, at, this.#layout.callLineBytes, at);
  }

  collect(): void {
    this.#read(this.#layout.callLine(this.#slot, 0), this.size * this.#layout.callLineBytes);
  }

  #read(at: number, lengthBytes: number): void {
    readSync(this.#file.fd, this.#copy, at, lengthBytes, at);
  }

  meet(timeoutMs: number): Meeting {
    const deadline = performance.now() + timeoutMs;
    if (this.aborted()) return 'aborted'; // without counting: some may have left
    this.#meetings = (this.#meetings + 1) | 0;
    this.poke(this.#layout.rankLine(this.rank), this.#meetings);
    let nap = SHORTEST_NAP_MS;
    for (let poll = 0; ; poll++) {
      const missing = this.missing();
      if (missing.length === 0) return 'met'; // a meeting that was complete stays so, whatever failed or left since
      if (this.aborted()) return 'aborted';
      // A rank counts before it departs, so one that is missing and has departed never comes.
      if (this.departed().some((r) => missing.includes(r))) return 'departed';
      if (poll < this.#polls) continue;
      const left = deadline - performance.now();
      if (left <= 0) return 'timeout';
      Atomics.wait(this.#file.alarm, 0, 0, Math.min(nap, left));
      nap = Math.min(1.2 * nap, LONGEST_NAP_MS);
    }
  }

  /** Reads the ranks' words anew. */
  missing(): number[] {
    this.#read(this.#layout.rankLine(0), this.size * CACHE_LINE);
    return this.#ranks((r) => ((this.#rankWords[(r * CACHE_LINE) / 4]! - this.#meetings) | 0) < 0);
  }

  /** As last read by `missing`. */
  departed(): number[] {
    return this.#ranks((r) => this.#rankWords[(r * CACHE_LINE) / 4 + 1] !== 0);
  }

  #ranks(which: (rank: number) => boolean): number[] {
    return Array.from({ length: this.size }, (_, r) => r).filter(which);
  }

  depart(): void {
    this.poke(this.#layout.rankLine(this.rank) + 4, 1);
  }

  sign(): () => void {
    return () => {}; // the kernel reaches memory, not files
  }

  struckOut(): number[] {
    return [];
  }

  raise(cause: Cause): void {
    if (this.cause() === undefined) writeSync(this.#file.logFd, encodeCause(cause, RECORD_BYTES));
    this.wake();
  }

  aborted(): boolean {
    return Atomics.load(this.#file.alarm, 0) !== 0;
  }

  cause(): Cause | undefined {
    const { logFd, lengthBytes } = this.#file;
    if (fstatSync(logFd).size < lengthBytes + RECORD_BYTES) return undefined;
    const record = Buffer.alloc(RECORD_BYTES);
    readSync(this.#file.fd, record, 0, RECORD_BYTES, lengthBytes);
    return decodeCause(record);
  }

  wake(): void {
    if (this.cause() === undefined) return;
    Atomics.store(this.#file.alarm, 0, 1);
    Atomics.notify(this.#file.alarm, 0);
  }

  lastCall(rank: number): { operation: string; seq: number; step: number } {
    const at = this.#layout.callLine(0, 0);
    this.#read(at, this.#layout.callLine(1, this.size - 1) + this.#layout.callLineBytes - at);
    const lines = this.#lines.map((slot) => slot[rank]!);
    const { operation, seq, step } = lines[0]!.seq > lines[1]!.seq ? lines[0]! : lines[1]!;
    return { operation, seq, step };
  }

  peek(address: number): number {
    const word = Buffer.alloc(4);
    readSync(this.#file.fd, word, 0, 4, address);
    return word.readInt32LE();
  }

  poke(address: number, value: number): void {
    const word = Buffer.alloc(4);
    word.writeInt32LE(value);
    writeSync(this.#file.fd, word, 0, 4, address);
  }
}
