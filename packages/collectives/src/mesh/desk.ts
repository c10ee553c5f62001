import { operations } from '../call.ts';
import { causeText, parseCause } from '../cause.ts';
import type { Cause } from '../errors.ts';
import type { Alarm } from '../progress/alarm.ts';

/** How a wait ended. */
export type Waited = 'done' | 'aborted' | 'timeout';

const CAUSE_BYTES = 2048;
const word = { bell: 0, aborted: 1, done: 2, causeBytes: 3, told: 4 } as const;
const HEAD_WORDS = 16;
/** Of one rank: the call it entered and its operation, the call for which all its data came, whether it left; its step is a number apart. */
const RANK_WORDS = 4;

/**
 * What the main thread and the progress thread of one rank share: where the one waits for the other, and what is known of the other ranks. Over one
 * shared buffer; each thread makes its own desk over it.
 */
export class Desk implements Alarm {
  readonly buffer: SharedArrayBuffer;
  readonly #size: number;
  readonly #words: Int32Array;
  readonly #steps: Float64Array;
  readonly #text: Uint8Array;

  constructor(size: number, buffer: SharedArrayBuffer = new SharedArrayBuffer(deskBytes(size))) {
    const words = HEAD_WORDS + RANK_WORDS * size;
    const steps = 8 * Math.ceil((4 * words) / 8);
    this.buffer = buffer;
    this.#size = size;
    this.#words = new Int32Array(buffer, 0, words);
    this.#steps = new Float64Array(buffer, steps, size);
    this.#text = new Uint8Array(buffer, steps + 8 * size, CAUSE_BYTES);
  }

  #ring(): void {
    Atomics.add(this.#words, word.bell, 1);
    Atomics.notify(this.#words, word.bell);
  }

  /** The progress thread has finished a call. */
  finish(seq: number): void {
    Atomics.store(this.#words, word.done, seq);
    this.#ring();
  }

  /** Blocks until a call is finished, the group has failed, or time is up. */
  wait(seq: number, timeoutMs: number): Waited {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const bell = Atomics.load(this.#words, word.bell);
      if (Atomics.load(this.#words, word.done) >= seq) return 'done';
      if (this.aborted()) return 'aborted';
      const left = deadline - performance.now();
      if (left <= 0) return 'timeout';
      Atomics.wait(this.#words, word.bell, bell, left);
    }
  }

  /** What a rank said when it came to a call. */
  enter(rank: number, { seq, operation, step }: { seq: number; operation: number; step: number }): void {
    this.#steps[rank] = step;
    this.#set(rank, 1, operation);
    this.#set(rank, 0, seq);
  }

  /** All that a rank owes to a call has come. */
  deliver(rank: number, seq: number): void {
    this.#set(rank, 2, seq);
  }

  leave(rank: number): void {
    this.#set(rank, 3, 1);
  }

  left(rank: number): boolean {
    return this.#get(rank, 3) === 1;
  }

  /** The ranks that have not come to a call; where all have, those whose data are not all there. */
  missing(seq: number, own: number): number[] {
    const others = Array.from({ length: this.#size }, (_, rank) => rank).filter((rank) => rank !== own);
    const absent = others.filter((rank) => this.#get(rank, 0) < seq);
    return absent.length > 0 ? absent : others.filter((rank) => this.#get(rank, 2) < seq);
  }

  lastCall(rank: number) {
    return { operation: operations[this.#get(rank, 1)] ?? 'unknown', seq: this.#get(rank, 0), step: this.#steps[rank] ?? 0 };
  }

  /** Makes the group unusable here; the first cause stays. */
  raise(cause: Cause): void {
    if (Atomics.compareExchange(this.#words, word.aborted, 0, 1) !== 0) return;
    const text = new TextEncoder().encode(causeText(cause, CAUSE_BYTES));
    this.#text.set(text);
    Atomics.store(this.#words, word.causeBytes, text.length);
    this.#ring();
  }

  aborted(): boolean {
    return Atomics.load(this.#words, word.aborted) !== 0;
  }

  cause(): Cause | undefined {
    // Whoever raises it has marked the desk before the text is written; it takes no longer than that.
    while (this.aborted() && Atomics.load(this.#words, word.causeBytes) === 0);
    const length = Atomics.load(this.#words, word.causeBytes);
    return length === 0 ? undefined : parseCause(new TextDecoder().decode(this.#text.slice(0, length)));
  }

  /** The progress thread has handed the cause to the network. */
  told(): void {
    Atomics.store(this.#words, word.told, 1);
    Atomics.notify(this.#words, word.told);
  }

  /** Blocks until the cause has been handed to the network, so that a process may end right afterwards. */
  waitTold(timeoutMs: number): void {
    Atomics.wait(this.#words, word.told, 0, timeoutMs);
  }

  wake(): void {
    this.#ring();
  }

  /** The kernel strikes nothing out over a network: lost connections say it. */
  sign(): () => void {
    return () => undefined;
  }

  struckOut(): number[] {
    return [];
  }

  #get(rank: number, field: number): number {
    return Atomics.load(this.#words, HEAD_WORDS + RANK_WORDS * rank + field);
  }

  #set(rank: number, field: number, value: number): void {
    Atomics.store(this.#words, HEAD_WORDS + RANK_WORDS * rank + field, value);
  }
}

const deskBytes = (size: number): number => 8 * Math.ceil((4 * (HEAD_WORDS + RANK_WORDS * size)) / 8) + 8 * size + CAUSE_BYTES;
