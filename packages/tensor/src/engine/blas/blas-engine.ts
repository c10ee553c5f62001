import { TensorError } from '../../errors.ts';
import { ArenaLayout, type ArenaSlot, aligned } from '../arena.ts';
import type {
  DivideByRoot,
  Eigh,
  FlatBuffer,
  Frame,
  MatrixEngine,
  ModeGram,
  ModeProduct,
  Packing,
  Place,
  ScaleByPower,
  ScaleFactor,
  Slot,
  Task,
  Threshold,
} from '../matrix-engine.ts';
import type { SpectrumPower } from '../spectrum.ts';
import { modeStrides } from '../strides.ts';
import { packedPlaces } from '../triangle.ts';
import { type Lanes, startLanes } from './lanes.ts';
import type { BlasLibrary } from './library.ts';
import { createMachine, type Machine } from './machine.ts';
import { execute, frameOffset, type OperationName, operationCode, REPEAT, REPEAT_HEADER } from './operations.ts';
import { openQueue, type Queue, queueBytes } from './queue.ts';
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
export class BlasEngine implements MatrixEngine {
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

  modeGram(factor: Slot, x: Slot, { mode, decay, weight }: ModeGram): void {
    const { outer, d, inner } = modeStrides(x.shape.slice(1), mode);
    this.#issue('modeGram', [factor, x], [outer, d, inner, decay, weight]);
  }

  modeProduct(out: Slot, x: Slot, matrix: Slot, { mode, transpose = false }: ModeProduct): void {
    const { outer, d, inner } = modeStrides(x.shape.slice(1), mode);
    const e = out.shape[mode + 1] ?? 1;
    this.#issue('modeProduct', [out, x, matrix], [outer, d, inner, e, transpose ? 1 : 0]);
  }

  scaleFactor(out: Slot, factor: Slot, { scale, traceExponent, traceFloor }: ScaleFactor): void {
    this.#issue('scaleFactor', [out, factor], [out.shape[1] as number, scale, traceExponent, traceFloor]);
  }

  eigh(values: Slot, vectors: Slot, status: Slot, { diagonal, precision }: Eigh): void {
    this.#issue('eigh', [values, vectors, status], [vectors.shape[1] as number, diagonal, precision === 'float64' ? 1 : 0]);
  }

  spectrumPower(values: Slot, { exponent, epsilon, rankDeficiency: rule }: SpectrumPower): void {
    const pseudo = rule.type === 'pseudo-inverse';
    const kind = pseudo ? 2 : rule.before ? 0 : 1;
    const [relative, absolute] = pseudo ? [rule.relativeTolerance, rule.absoluteTolerance] : [0, 0];
    this.#issue('spectrumPower', [values], [values.shape[1] as number, exponent, epsilon, kind, relative, absolute]);
  }

  scaleRows(matrix: Slot, factors: Slot): void {
    this.#issue('scaleRows', [matrix, factors], [matrix.shape[1] as number, matrix.shape[2] as number]);
  }

  mirror(matrix: Slot): void {
    this.#issue('mirror', [matrix], [matrix.shape[1] as number]);
  }

  packLower(out: Slot, matrix: Slot, { precision }: Packing): void {
    this.#issue(precision === 'bfloat16' ? 'packBfloat16' : 'packFloat32', [out, matrix], [matrix.shape[1] as number]);
  }

  unpackLower(matrix: Slot, packed: Slot, { precision }: Packing): void {
    this.#issue(precision === 'bfloat16' ? 'unpackBfloat16' : 'unpackFloat32', [matrix, packed], [matrix.shape[1] as number]);
  }

  identity(matrix: Slot): void {
    this.#issue('identity', [matrix], [matrix.shape[1] as number]);
  }

  addDiagonal(matrix: Slot, { value }: { readonly value: number }): void {
    this.#issue('addDiagonal', [matrix], [matrix.shape[1] as number, value]);
  }

  addScaledDiagonal(matrix: Slot, s: Slot, { relative, least }: { readonly relative: number; readonly least: number }): void {
    this.#issue('addScaledDiagonal', [matrix, s], [matrix.shape[1] as number, relative, least]);
  }

  diagonal(out: Slot, matrix: Slot): void {
    this.#issue('diagonal', [out, matrix], [matrix.shape[1] as number]);
  }

  trace(out: Slot, matrix: Slot): void {
    this.#issue('trace', [out, matrix], [matrix.shape[1] as number]);
  }

  largestRowSum(out: Slot, matrix: Slot): void {
    this.#issue('largestRowSum', [out, matrix], [matrix.shape[1] as number]);
  }

  distanceFromIdentity(out: Slot, matrix: Slot): void {
    this.#issue('distanceFromIdentity', [out, matrix], [matrix.shape[1] as number]);
  }

  offDiagonal(out: Slot, matrix: Slot, { cancelling }: { readonly cancelling: boolean }): void {
    this.#issue('offDiagonal', [out, matrix], [matrix.shape[1] as number, cancelling ? 1 : 0]);
  }

  rowDots(out: Slot, a: Slot, b: Slot): void {
    this.#issue('rowDots', [out, a, b], [a.shape[1] as number, a.shape[2] as number]);
  }

  orthonormalRows(matrix: Slot, status: Slot): void {
    this.#issue('orthonormalRows', [matrix, status], [matrix.shape[1] as number]);
  }

  sortRows(values: Slot, matrix: Slot): void {
    this.#issue('sortRows', [values, matrix], [matrix.shape[1] as number, matrix.shape[2] as number]);
  }

  polarFactor(out: Slot, x: Slot, nuclear: Slot): void {
    this.#issue('polarFactor', [out, x, nuclear], [x.shape[1] as number, x.shape[2] as number]);
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

  threshold(flag: Slot, x: Slot, { limit, below, above, nan }: Threshold): void {
    this.#issue('threshold', [flag, x], [limit, below, above, nan]);
  }

  stalled(flag: Slot, now: Slot, before: Slot, { growth, level }: { readonly growth: number; readonly level: number }): void {
    this.#issue('stalled', [flag, now, before], [growth, level]);
  }

  combine(y: Slot, x: Slot, { a, b }: { readonly a: number; readonly b: number }): void {
    this.#issue('combine', [y, x], [memberLength(y), a, b]);
  }

  lerp(out: Slot, a: Slot, b: Slot, { weight }: { readonly weight: number }): void {
    this.#issue('lerp', [out, a, b], [memberLength(out), weight]);
  }

  fill(x: Slot, { value }: { readonly value: number }): void {
    this.#issue('fill', [x], [memberLength(x), value]);
  }

  scaleByPower(x: Slot, s: Slot, { factor, power, least }: ScaleByPower): void {
    this.#issue('scaleByPower', [x, s], [memberLength(x), factor, power, least]);
  }

  sign(out: Slot, x: Slot): void {
    this.#issue('sign', [out, x], [memberLength(x)]);
  }

  sumOfMagnitudes(out: Slot, x: Slot): void {
    this.#issue('sumOfMagnitudes', [out, x], [memberLength(x)]);
  }

  divideByPower(
    out: Slot,
    x: Slot,
    v: Slot,
    { correction, exponent, epsilon }: DivideByRoot & { readonly exponent: number },
  ): void {
    this.#issue('divideByPower', [out, x, v], [memberLength(out), correction, exponent, epsilon]);
  }

  addSquares(v: Slot, x: Slot, { decay, weight }: { readonly decay: number; readonly weight: number }): void {
    this.#issue('addSquares', [v, x], [memberLength(v), decay, weight]);
  }

  divideByRoot(out: Slot, x: Slot, v: Slot, { correction, epsilon }: DivideByRoot): void {
    this.#issue('divideByRoot', [out, x, v], [memberLength(out), correction, epsilon]);
  }

  norm(norm: Slot, x: Slot): void {
    this.#issue('norm', [norm, x], [memberLength(x)]);
  }

  normOfQuotient(norm: Slot, x: Slot, v: Slot, { correction, epsilon }: DivideByRoot): void {
    this.#issue('normOfQuotient', [norm, x, v], [memberLength(x), correction, epsilon]);
  }

  rescale(x: Slot, target: Slot, current: Slot): void {
    this.#issue('rescale', [x, target, current], [memberLength(x)]);
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
  #issue(name: OperationName, slots: readonly Slot[], numbers: readonly number[]): void {
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

const memberLength = (slot: Slot): number => (slot as ArenaSlot).memberLength;
