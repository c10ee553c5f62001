import type { Call } from '../call.ts';
import type { Elements } from '../elements.ts';
import { bytesOf } from '../elements.ts';
import { type CallPlace, type Cause, type CollectivesError, errorFor } from '../errors.ts';
import type { GroupSizes } from '../memory/layout.ts';
import { checkedLayout, type GroupMemory, groupMemory, privateMemory } from '../memory/registered.ts';
import type { Desk } from '../mesh/desk.ts';
import type { SharedBytes, WireCall } from '../mesh/wire-call.ts';
import type { ProgressThread } from '../progress/progress-thread.ts';
import { missed } from './causes.ts';
import type { Capabilities, Transport } from './transport.ts';

/** What a group over WebSocket is made of; `connect-websocket.ts` makes it. */
export interface WebSocketParts {
  readonly rank: number;
  readonly timeoutMs: number;
  readonly desk: Desk;
  readonly progress: ProgressThread;
}

/** How long to wait until this rank's own word is on its way. */
const TELL_MS = 250;

/** An array where the progress thread reaches it, and how what came back gets to its place. */
interface Staged {
  readonly shared: SharedBytes | undefined;
  readonly collect: () => void;
}

/**
 * Ranks anywhere: the progress thread moves the bytes, while the calling thread waits, or goes on where it was given a promise. Arrays in shared memory (that of
 * `allocate`, of a WebAssembly engine) are used where they lie; others are copied.
 */
export class WebSocketTransport implements Transport {
  readonly capabilities: Capabilities = { transport: 'websocket', memory: 'private', zeroCopy: false, futex: true, simd: true };
  readonly #parts: WebSocketParts;
  /** For copies of arrays that the progress thread cannot see; blocking calls use it in turn. */
  #staging = new SharedArrayBuffer(0);

  constructor(parts: WebSocketParts) {
    this.#parts = parts;
  }

  run(call: Call): void {
    const { desk, progress, timeoutMs } = this.#parts;
    if (desk.aborted()) throw this.#error(call);
    const { wire, collect } = this.#stage(call, { notify: false, room: (bytes) => this.#room(bytes) });
    progress.call(wire);
    const waited = desk.wait(call.seq, timeoutMs);
    if (waited === 'timeout') this.#late(call);
    if (waited !== 'done') throw this.#error(call);
    collect();
  }

  async start(call: Call): Promise<void> {
    const { desk, progress, timeoutMs } = this.#parts;
    if (desk.aborted()) throw this.#error(call);
    const { wire, collect } = this.#stage(call, { notify: true, room: (bytes) => new SharedArrayBuffer(bytes) });
    const late = setTimeout(() => this.#late(call), timeoutMs);
    try {
      await progress.callAndTell(wire);
    } finally {
      clearTimeout(late);
    }
    if (desk.aborted()) throw this.#error(call);
    collect();
  }

  #room(bytes: number): SharedArrayBuffer {
    if (this.#staging.byteLength < bytes) this.#staging = new SharedArrayBuffer(bytes);
    return this.#staging;
  }

  /** Gets a call ready for the progress thread. @param options.room makes memory for copies. */
  #stage(
    call: Call,
    { notify, room }: { notify: boolean; room: (bytes: number) => SharedArrayBuffer },
  ): { wire: WireCall; collect: () => void } {
    const { input, output, seq, step, operation, dtype, op, source, elements, counts } = call;
    const isPrivate = (x: Elements | undefined): boolean => x !== undefined && !(x.buffer instanceof SharedArrayBuffer);
    const own = input === output ? undefined : output;
    const inputBytes = isPrivate(input) ? aligned(input!.byteLength) : 0;
    const buffer = room(inputBytes + (isPrivate(own) ? own!.byteLength : 0));
    const from = staged(input, buffer, 0);
    const to = own === undefined ? from : staged(own, buffer, inputBytes);
    if (isPrivate(input)) new Uint8Array(buffer, 0, input!.byteLength).set(bytesOf(input!));
    const wire = {
      seq,
      step,
      operation,
      dtype: dtype.number,
      op,
      source,
      elements,
      counts,
      input: from.shared,
      output: to.shared,
      notify,
    };
    return { wire, collect: to.collect };
  }

  /** Nobody came in time: that is the cause, unless there is one already. */
  #late(call: Call): void {
    const { desk, rank, timeoutMs } = this.#parts;
    const lastCall = (other: number) => desk.lastCall(other);
    this.#raise(missed({ missing: () => desk.missing(call.seq, rank), lastCall }, { call, waitedMs: timeoutMs }));
  }

  #raise(cause: Cause): void {
    this.#parts.desk.raise(cause);
    this.#parts.progress.ring();
  }

  #error(at?: CallPlace): CollectivesError {
    return errorFor(this.#parts.desk.cause() ?? { code: 'aborted', message: 'the group failed' }, at);
  }

  allocate(call: Call, sizes: GroupSizes): GroupMemory {
    const layout = checkedLayout(1, sizes);
    this.run(call);
    const { memory, groupOffset, privateOffset, zeroCopy } = groupMemory(privateMemory(layout), layout, false);
    // There is one region, this rank's own: nobody else's can be read.
    return { memory, groupOffset, privateOffset, zeroCopy, peerOffset: () => layout.peer(0) };
  }

  throwIfAborted(): void {
    if (this.#parts.desk.aborted()) throw this.#error();
  }

  abort(reason: string, step: number): void {
    const { rank } = this.#parts;
    this.#raise({ code: 'aborted', rank, step, message: `rank ${rank} aborted the group: ${reason}` });
    // The process may end in the next line, and what it said would never leave.
    this.#parts.desk.waitTold(TELL_MS);
  }

  close(): Promise<void> {
    return this.#parts.progress.close();
  }
}

const aligned = (bytes: number): number => Math.ceil(bytes / 64) * 64;

/** Where an array is for the progress thread: where it lies, or at a place of a buffer. */
function staged(x: Elements | undefined, buffer: SharedArrayBuffer, byteOffset: number): Staged {
  if (x === undefined) return { shared: undefined, collect: () => undefined };
  const lengthBytes = x.byteLength;
  if (x.buffer instanceof SharedArrayBuffer)
    return { shared: { buffer: x.buffer, byteOffset: x.byteOffset, lengthBytes }, collect: () => undefined };
  return {
    shared: { buffer, byteOffset, lengthBytes },
    collect: () => bytesOf(x).set(new Uint8Array(buffer, byteOffset, lengthBytes)),
  };
}
