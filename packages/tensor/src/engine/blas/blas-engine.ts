import { TensorError } from '../../errors.ts';
import { ArenaLayout, type ArenaSlot, aligned } from '../arena.ts';
import type { FlatBuffer, Frame, MatrixEngine, Packing, Place, Slot, Task } from '../matrix-engine.ts';
import { packedPlaces } from '../triangle.ts';
import { execute, frameOffset, REPEAT, REPEAT_HEADER } from './execute.ts';
import { type Lanes, startLanes } from './lanes.ts';
import type { BlasLibrary } from './library.ts';
import { createMachine, type Machine } from './machine.ts';
import { type OperationName, operationCode } from './operations.ts';
import { openQueue, type Queue, queueBytes } from './queue.ts';
import { QueuedOperations } from './queued-operations.ts';
import { workspaceBytes } from './workspace.ts';

export interface BlasEngineOptions {
  readonly library: BlasLibrary;
  /** Threads that share the work, the calling one included; at least 1. */
  readonly lanes: number;
}

/** What an engine has once its memory is there. */
interface Open {
  readonly place: Place;
  readonly machine: Machine;
  readonly queue: Queue;
  readonly lanes: Lanes;
}

/**
 * The engine on shared memory: matrix products, symmetric updates and decompositions by OpenBLAS on one thread each, element-wise work by
 * SIMD kernels, tasks spread over lanes. Operations are written to a queue of numbers; within `parallel` the lanes take whole tasks
 * from it, outside each operation runs at once on the calling thread.
 */
export class BlasEngine extends QueuedOperations implements MatrixEngine {
  readonly name = 'blas';
  readonly lanes: number;
  readonly machineEpsilon = 2 ** -23;
  readonly #library: BlasLibrary;
  readonly #layout = new ArenaLayout(workspaceBytes);
  #open: Open | undefined;
  #recording = false;
  /** Whether tasks were started that nobody has finished. */
  #inFlight = false;
  /** The member that operations are for, within `repeat`. */
  #only: number | undefined;
  #cursor = 0;

  /** @throws {TensorError} `bad-argument` where lanes is not a positive integer. */
  constructor({ library, lanes }: BlasEngineOptions) {
    super();
    if (!Number.isInteger(lanes) || lanes < 1)
      throw new TensorError('bad-argument', `BlasEngine: lanes must be an integer of at least 1, got ${lanes}.`);
    this.#library = library;
    this.lanes = lanes;
  }

  allocate(shape: readonly number[]): Slot {
    this.#mustBeClosed('allocate');
    return this.#layout.allocate(shape);
  }

  overlay(buffer: FlatBuffer, offset: number, shape: readonly number[]): Slot {
    this.#mustBeClosed('overlay');
    return this.#layout.overlay(buffer, offset, shape);
  }

  packs(): boolean {
    return true;
  }

  allocatePacked([stack, n]: readonly [number, number], { precision }: Packing): Slot {
    return this.allocate([stack, packedPlaces(n, precision)]);
  }

  frame(): Frame {
    this.#mustBeClosed('frame');
    return this.#layout.frame();
  }

  get arenaBytes(): number {
    return this.#layout.arenaBytes + this.lanes * this.#laneBytes() + aligned(queueBytes);
  }

  open(place: Place): void {
    this.#mustBeClosed('open');
    const { memory, arenaOffset } = place;
    const available = memory.buffer.byteLength - arenaOffset;
    if (available < this.arenaBytes) {
      throw new TensorError(
        'bad-layout',
        `BlasEngine.open: the arena needs ${this.arenaBytes} bytes, the memory has ${available} from offset ${arenaOffset}.`,
      );
    }
    const firstLane = arenaOffset + this.#layout.arenaBytes;
    const laneMemory = Array.from({ length: this.lanes }, (_, lane) => {
      const frame = firstLane + lane * this.#laneBytes();
      return { frame, workspace: frame + this.#layout.frameBytes };
    });
    const queueOffset = firstLane + this.lanes * this.#laneBytes();
    const queue = openQueue(memory, queueOffset);
    const [own, ...others] = laneMemory;
    this.#open = {
      place,
      queue,
      machine: createMachine(memory, this.#library, own as { frame: number; workspace: number }),
      lanes: startLanes(
        queue,
        others.map((lane) => ({ memory, library: this.#library, lane, queueOffset })),
      ),
    };
  }

  parallel(tasks: readonly Task[]): void {
    this.start(tasks);
    this.finish();
  }

  start(tasks: readonly Task[]): void {
    const { lanes } = this.#opened();
    if (this.#recording) throw new TensorError('bad-argument', 'BlasEngine.parallel: called within a task.');
    for (let first = 0; first < tasks.length; ) {
      // What does not fit the queue waits here until there is room.
      this.finish();
      let count: number;
      this.#recording = true;
      try {
        count = this.#record(tasks, first);
      } finally {
        this.#recording = false;
        this.#cursor = 0;
      }
      lanes.start(count);
      this.#inFlight = true;
      first += count;
    }
  }

  finish(): void {
    if (!this.#inFlight) return;
    this.#inFlight = false;
    const { machine, queue, lanes } = this.#opened();
    lanes.finish((from, to) => execute(machine, queue.commands, from, to));
  }

  values(slot: Slot): Float32Array {
    this.finish();
    const { machine } = this.#opened();
    const offset = this.#offset(slot as ArenaSlot);
    const from = (offset < 0 ? machine.frame + (slot as ArenaSlot).offset : offset) / 4;
    return machine.float32.subarray(from, from + (slot as ArenaSlot).length);
  }

  repeat(stop: Slot, { max }: { readonly max: number }, body: () => void): void {
    const { queue, machine } = this.#opened();
    const { commands } = queue;
    if (!this.#recording) this.finish();
    const [first, recording, outer] = [this.#cursor, this.#recording, this.#only];
    this.#recording = true;
    try {
      for (let member = 0; member < (stop.shape[0] as number); member++) {
        if (outer !== undefined && outer !== member) continue;
        const start = this.#cursor;
        this.#cursor += REPEAT_HEADER;
        this.#only = member;
        body();
        const header = [REPEAT, this.#offset(stop as ArenaSlot, member), max, this.#cursor - start - REPEAT_HEADER];
        // By elements: where the queue is full, they go nowhere, and the task is recorded again in the next round.
        for (const [i, number] of header.entries()) commands[start + i] = number;
      }
      if (!recording) execute(machine, commands, first, this.#cursor);
    } finally {
      this.#only = outer;
      this.#recording = recording;
      if (!recording) this.#cursor = first;
    }
  }

  dispose(): void {
    // Lanes write to memory that goes when its owner goes.
    this.finish();
    this.#open?.lanes.close();
  }

  /** Records tasks from `first` on until all are in the queue or it is full. @returns how many were recorded. */
  #record(tasks: readonly Task[], first: number): number {
    const { queue } = this.#opened();
    this.#cursor = 0;
    let count = 0;
    for (; first + count < tasks.length && count < queue.starts.length - 1; count++) {
      const start = this.#cursor;
      queue.starts[count] = start;
      (tasks[first + count] as Task)();
      if (this.#cursor > queue.commands.length) {
        if (count === 0)
          throw new TensorError('bad-argument', `BlasEngine.parallel: a task of ${this.#cursor} numbers does not fit the queue.`);
        this.#cursor = start;
        break;
      }
    }
    queue.starts[count] = this.#cursor;
    return count;
  }

  /** Writes an operation to the queue once per member of the stack; outside `parallel` runs it at once. */
  protected issue(name: OperationName, slots: readonly Slot[], numbers: readonly number[]): void {
    if (!this.#recording) this.finish();
    const { queue, machine } = this.#opened();
    const { commands } = queue;
    const stack = slots[0]?.shape[0] as number;
    const first = this.#cursor;
    let at = first;
    for (let member = 0; member < stack; member++) {
      if (this.#only !== undefined && this.#only !== member) continue;
      commands[at++] = operationCode(name);
      for (const slot of slots) commands[at++] = this.#offset(slot as ArenaSlot, member);
      for (const number of numbers) commands[at++] = number;
    }
    if (this.#recording) this.#cursor = at;
    else execute(machine, commands, first, at);
  }

  /** Byte offset of a member; of a frame's slot, as the queue writes it. */
  #offset({ kind, offset, memberLength: length }: ArenaSlot, member = 0): number {
    const { place } = this.#opened();
    const within = offset + 4 * length * member;
    if (kind === 'frame') return frameOffset(within);
    return (kind === 'arena' ? place.arenaOffset : place.flatOffsets[kind]) + within;
  }

  #laneBytes(): number {
    return this.#layout.frameBytes + this.#layout.workspaceBytes;
  }

  #opened(): Open {
    if (this.#open === undefined) throw new TensorError('bad-layout', 'BlasEngine: open() comes before the first operation.');
    return this.#open;
  }

  #mustBeClosed(what: string): void {
    if (this.#open !== undefined)
      throw new TensorError('bad-layout', `BlasEngine.${what}: the engine is open, its layout is fixed.`);
  }
}
