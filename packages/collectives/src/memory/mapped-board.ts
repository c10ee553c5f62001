import { availableParallelism } from 'node:os';
import { CallLine } from '../algorithms/call-line.ts';
import type { Cause } from '../errors.ts';
import type { Board, BoardThread, Meeting } from './board.ts';
import { type ControlLayout, controlLayout, NOTE_BYTES, RECORD_BYTES } from './layout.ts';
import type { Native } from './native.ts';
import { Patience } from './patience.ts';
import { decodeCause, decodeText, encodeCause, encodeText } from './record.ts';
import { isStruckOut, sign } from './signature.ts';
import { futexSleeper, pollingSleeper, type Sleeper } from './sleeper.ts';

/** Turns between two looks at the clock. */
const SPINS = 1000;

/** A wake-up that comes between the last look and falling asleep is lost; this bounds what it costs. */
const LONGEST_SLEEP_MS = 20;

/** Memory that all ranks map, as one of them sees it. */
export interface MappedMemory {
  readonly buffer: ArrayBufferLike;
  /** Where the buffer begins in this process, and what the system can do there. Without it, sleepers poll. */
  readonly native?: Pick<Native, 'futex' | 'robustList'>;
  readonly base: number;
}

/** A board over memory that all ranks map: ranks meet by a counter and a generation, spin, then sleep. */
export class MappedBoard implements Board {
  readonly rank: number;
  readonly size: number;
  readonly futex: boolean;
  readonly #layout: ControlLayout;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #sleeper: Sleeper;
  readonly #memory: MappedMemory;
  readonly #thread: BoardThread;
  readonly #lines: readonly (readonly CallLine[])[];
  /** With more ranks than cores any spinning takes the core from who is waited for. */
  readonly #maySpin: boolean;
  readonly #patience = new Patience();
  #slot = 0;
  #meetings = 0;

  constructor(memory: MappedMemory, { rank, size, thread }: { rank: number; size: number; thread: BoardThread }) {
    const layout = controlLayout(size);
    this.rank = rank;
    this.size = size;
    this.#memory = memory;
    this.#sleeper = memory.native?.futex === undefined ? pollingSleeper() : futexSleeper(memory.native.futex, memory.base);
    this.futex = this.#sleeper.futex;
    this.#layout = layout;
    this.#words = new Int32Array(memory.buffer, 0, layout.totalBytes / 4);
    this.#bytes = new Uint8Array(memory.buffer, 0, layout.totalBytes);
    this.#thread = thread;
    this.#maySpin = size <= availableParallelism();
    this.#lines = [0, 1].map((slot) =>
      Array.from({ length: size }, (_, r) => new CallLine(memory.buffer, layout.callLine(slot, r), layout.callLineBytes)),
    );
  }

  lines(): readonly CallLine[] {
    return this.#lines[this.#slot]!;
  }

  advance(): void {
    this.#slot ^= 1;
  }

  publish(): void {} // mapped: a line is seen as it is written

  collect(): void {}

  meet(timeoutMs: number): Meeting {
    const words = this.#words;
    const generation = this.#layout.generation / 4;
    const arrivals = this.#layout.arrivals / 4;
    const seen = Atomics.load(words, generation);
    this.#meetings = (this.#meetings + 1) | 0;
    Atomics.store(words, this.#layout.rankLine(this.rank) / 4, this.#meetings);
    if (Atomics.add(words, arrivals, 1) === this.size - 1) {
      // The last to arrive: reset for the next meeting, then open, then wake. A failed group is not opened: some may have left.
      if (this.aborted()) return 'aborted';
      Atomics.store(words, arrivals, 0);
      Atomics.add(words, generation, 1);
      if (Atomics.load(words, this.#layout.sleepers / 4) > 0) this.#sleeper.wake(generation);
      return 'met';
    }
    if (this.#maySpin && this.#spinUntilOpen(seen)) return 'met';
    return this.#sleepUntilOpen(seen, performance.now() + timeoutMs);
  }

  #spinUntilOpen(seen: number): boolean {
    const came = this.#spin(seen, this.#patience.spinMs());
    this.#patience.learn(came);
    return came;
  }

  #spin(seen: number, ms: number): boolean {
    const words = this.#words;
    const generation = this.#layout.generation / 4;
    for (let until = Infinity; ; ) {
      for (let spin = 0; spin < SPINS; spin++) if (Atomics.load(words, generation) !== seen) return true;
      const now = performance.now();
      if (until === Infinity) until = now + ms;
      if (now >= until) return false;
    }
  }

  #sleepUntilOpen(seen: number, deadline: number): Meeting {
    const words = this.#words;
    const generation = this.#layout.generation / 4;
    const open = () => Atomics.load(words, generation) !== seen;
    Atomics.add(words, this.#layout.sleepers / 4, 1);
    try {
      for (;;) {
        // Open first: a meeting that was complete stays so, whatever failed or left since.
        if (open()) return 'met';
        if (this.aborted()) return 'aborted';
        if (this.departed().length > 0 && !open()) return 'departed';
        const left = deadline - performance.now();
        if (left <= 0) return 'timeout';
        this.#sleeper.sleep(generation, { seen, ms: Math.min(left, LONGEST_SLEEP_MS) });
      }
    } finally {
      Atomics.sub(words, this.#layout.sleepers / 4, 1);
    }
  }

  missing(): number[] {
    return this.#ranks((r) => ((Atomics.load(this.#words, this.#layout.rankLine(r) / 4) - this.#meetings) | 0) < 0);
  }

  departed(): number[] {
    return this.#ranks((r) => Atomics.load(this.#words, this.#layout.rankLine(r) / 4 + 1) !== 0);
  }

  #ranks(which: (rank: number) => boolean): number[] {
    const ranks: number[] = [];
    for (let r = 0; r < this.size; r++) if (which(r)) ranks.push(r);
    return ranks;
  }

  depart(): void {
    Atomics.store(this.#words, this.#layout.rankLine(this.rank) / 4 + 1, 1);
    this.wake();
  }

  sign(): () => void {
    const { buffer, base, native } = this.#memory;
    const byteOffset = this.#layout.signature(this.rank);
    return native?.robustList === undefined
      ? () => {}
      : sign({ buffer, byteOffset, address: base + byteOffset }, native.robustList);
  }

  struckOut(): number[] {
    return this.#ranks((r) => isStruckOut({ buffer: this.#memory.buffer, byteOffset: this.#layout.signature(r) }));
  }

  raise(cause: Cause): void {
    // The record first, then the word that points to it: who reads the word finds the record whole.
    if (this.aborted()) return;
    this.#bytes.set(encodeCause(cause, RECORD_BYTES), this.#layout.record(this.rank, this.#thread));
    Atomics.compareExchange(this.#words, this.#layout.aborted / 4, 0, 2 * this.rank + this.#thread + 1);
    this.wake();
  }

  aborted(): boolean {
    return Atomics.load(this.#words, this.#layout.aborted / 4) !== 0;
  }

  cause(): Cause | undefined {
    const raised = Atomics.load(this.#words, this.#layout.aborted / 4) - 1;
    if (raised < 0) return undefined;
    const at = this.#layout.record(raised >> 1, (raised & 1) as BoardThread);
    return decodeCause(this.#bytes.subarray(at, at + RECORD_BYTES));
  }

  wake(): void {
    this.#sleeper.wake(this.#layout.generation / 4);
  }

  lastCall(rank: number): { operation: string; seq: number; step: number } {
    const lines = this.#lines.map((slot) => slot[rank]!);
    const { operation, seq, step } = lines[0]!.seq > lines[1]!.seq ? lines[0]! : lines[1]!;
    return { operation, seq, step };
  }

  peek(address: number): number {
    return Atomics.load(this.#words, address / 4);
  }

  poke(address: number, value: number): void {
    Atomics.store(this.#words, address / 4, value);
  }

  /** Shows a short text to the others, at the next meeting. */
  writeNote(text: string): void {
    this.#bytes.set(encodeText(text, NOTE_BYTES), this.#layout.note(this.rank));
  }

  readNote(rank: number): string {
    const at = this.#layout.note(rank);
    return decodeText(this.#bytes.subarray(at, at + NOTE_BYTES));
  }
}
