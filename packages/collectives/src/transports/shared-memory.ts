import { type CallLine, nowhere, type Placement } from '../algorithms/call-line.ts';
import { fusedAllGather, fusedAllReduce, fusedBroadcast, fusedReduceScatter, fusedRegion } from '../algorithms/fused.ts';
import { stagedAllGather, stagedAllReduce, stagedBroadcast, stagedReduceScatter } from '../algorithms/staged.ts';
import type { Call } from '../call.ts';
import type { Elements } from '../elements.ts';
import { type CallPlace, type Cause, type CollectivesError, errorFor } from '../errors.ts';
import { allocateShared } from '../memory/allocate.ts';
import type { Meeting } from '../memory/board.ts';
import type { GroupSizes } from '../memory/layout.ts';
import { MappedBoard } from '../memory/mapped-board.ts';
import type { Medium } from '../memory/medium.ts';
import type { Native } from '../memory/native.ts';
import { checkedLayout, type GroupMemory, groupMemory, privateMemory, RegisteredMemory } from '../memory/registered.ts';
import type { Origin } from '../memory/shared-file.ts';
import type { ProgressThread } from '../progress/progress-thread.ts';
import { left, mismatch, missed } from './causes.ts';
import type { Capabilities, Transport } from './transport.ts';

/** What a group over shared memory is made of; `connect-shared-memory.ts` makes it. */
export interface SharedMemoryParts {
  readonly rank: number;
  readonly size: number;
  readonly timeoutMs: number;
  readonly medium: Medium;
  readonly native: Native | undefined;
  readonly origin: Origin;
  readonly progress: ProgressThread;
}

/** The operations that move elements, by the two roads they can take. */
const roads = {
  allReduce: { fused: fusedAllReduce, staged: stagedAllReduce },
  reduceScatter: { fused: fusedReduceScatter, staged: stagedReduceScatter },
  allGather: { fused: fusedAllGather, staged: stagedAllGather },
  broadcast: { fused: fusedBroadcast, staged: stagedBroadcast },
} as const;

/** Ranks of one host: calls run on the calling thread, in memory; the progress thread only watches. */
export class SharedMemoryTransport implements Transport {
  readonly capabilities: Capabilities;
  readonly #parts: SharedMemoryParts;
  readonly #registered: RegisteredMemory[] = [];
  #blocks = 0;

  constructor(parts: SharedMemoryParts) {
    const { kind, board, staging } = parts.medium;
    this.#parts = parts;
    this.capabilities = {
      transport: 'shared-memory',
      memory: kind,
      zeroCopy: kind === 'overlay',
      futex: board.futex,
      simd: staging.simd,
    };
  }

  run(call: Call): void {
    const lines = this.#enter(call);
    if (call.operation === 'barrier' || call.operation === 'allocate' || call.elements === 0) return;
    const road = roads[call.operation];
    const { rank, size, medium } = this.#parts;
    const meet = () => this.#meet(call);
    const region = fusedRegion(call, lines);
    if (region !== 0) road.fused({ rank, size, memory: this.#registered[region - 1]!, lines, meet }, call);
    else road.staged({ rank, size, staging: medium.staging, meet, takeBlocks: this.#takeBlocks }, call);
  }

  readonly #takeBlocks = (count: number): number => {
    const first = this.#blocks;
    this.#blocks += count;
    return first;
  };

  /** Meets the others, and makes sure that all are in the same call. */
  #enter(call: Call): readonly CallLine[] {
    const { rank, size, medium } = this.#parts;
    const { board } = medium;
    if (board.aborted()) throw this.#error(call);
    board.advance();
    const lines = board.lines();
    lines[rank]!.write(call, {
      input: this.#placement(call.input, 'readableAt'),
      output: this.#placement(call.output, 'sharedAt'),
    });
    board.publish();
    this.#meet(call);
    board.collect();
    for (let r = 1; r < size; r++) {
      if (lines[r]!.hash !== lines[0]!.hash) this.#raise(mismatch(lines, { different: r, size }), call);
    }
    return lines;
  }

  #placement(x: Elements | undefined, where: 'readableAt' | 'sharedAt'): Placement {
    if (x === undefined) return nowhere;
    for (const memory of this.#registered) if (memory.holds(x)) return memory[where](x);
    return nowhere;
  }

  #meet(call: Call): void {
    const { medium, timeoutMs } = this.#parts;
    const meeting = medium.board.meet(timeoutMs);
    if (meeting !== 'met') this.#notMet(meeting, call);
  }

  #notMet(meeting: Exclude<Meeting, 'met'>, call: Call): never {
    const { medium, timeoutMs } = this.#parts;
    const { board } = medium;
    if (meeting === 'timeout') this.#raise(missed(board, { call, waitedMs: timeoutMs }), call);
    if (meeting === 'departed') this.#raise(left(board, call), call);
    throw this.#error(call);
  }

  /** Leaves a cause for all ranks, and throws the first one, which may be another. */
  #raise(cause: Cause, call: Call): never {
    this.#parts.medium.board.raise(cause);
    this.#parts.progress.ring();
    throw this.#error(call);
  }

  #error(at?: CallPlace): CollectivesError {
    const cause = this.#parts.medium.board.cause() ?? { code: 'aborted', message: 'the group failed' };
    return errorFor(cause, at);
  }

  allocate(call: Call, sizes: GroupSizes): GroupMemory {
    const { rank, size, medium, native, origin } = this.#parts;
    const layout = checkedLayout(size, sizes);
    this.run(call);
    if (!(medium.kind === 'overlay' && native !== undefined && medium.board instanceof MappedBoard)) {
      return groupMemory(privateMemory(layout), layout, false);
    }
    const memory = allocateShared({ board: medium.board, native, origin, meet: () => this.#meet(call) }, layout);
    this.#registered.push(new RegisteredMemory(memory, { region: this.#registered.length + 1, layout, rank, size }));
    return groupMemory(memory, layout, true);
  }

  throwIfAborted(): void {
    if (this.#parts.medium.board.aborted()) throw this.#error();
  }

  abort(reason: string, step: number): void {
    const { rank, medium, progress } = this.#parts;
    medium.board.raise({ code: 'aborted', rank, step, message: `rank ${rank} aborted the group: ${reason}` });
    progress.ring();
  }

  async close(): Promise<void> {
    const { medium, progress } = this.#parts;
    medium.board.depart();
    await progress.close();
    this.#registered.length = 0;
    medium.close();
  }
}
