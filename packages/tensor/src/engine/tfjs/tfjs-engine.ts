import { getBackend } from '@tensorflow/tfjs-core';
import { TensorError } from '../../errors.ts';
import type {
  FlatBuffer,
  Frame,
  MatrixEngine,
  Operations,
  PackedPrecision,
  Packing,
  Place,
  Slot,
  Task,
} from '../matrix-engine.ts';
import { packedPlaces } from '../triangle.ts';
import { equalTasks, operandsOn, type Recorded, type RecordedRepeat, TaskRecord } from './equal-tasks.ts';
import { TensorOperations } from './tensor-operations.ts';
import { TensorSlots } from './tensor-slots.ts';
import { TriangleIndices } from './triangle-indices.ts';

/**
 * On TensorFlow a step of 60 blocks of order 16 takes a sixth of the time as stacks, one of 4 of order 512 four fifths. The wasm backend has no fast product of
 * stacks: taking members out and joining them costs up to five times what it saves.
 */
const stacksPay = (): boolean => getBackend() !== 'wasm';

/**
 * The engine on TensorFlow.js tensors: for models on a GPU, so that state never leaves it, and for backends without a BLAS, such as wasm.
 *
 * A slot is a handle, and an operation replaces the tensor behind it. Tasks of one `parallel` call are recorded before anything runs; those that differ
 * in their slots alone run as one, on stacks of their slots: an operation for all equal blocks of a network. What lies in flat buffers is
 * uploaded at its first use within a `parallel` call, and downloaded at its end.
 */
export class TfjsEngine implements MatrixEngine {
  readonly name = 'tfjs';
  readonly lanes = 1;
  readonly machineEpsilon = 2 ** -23;
  /** The arena is TensorFlow.js's own memory. */
  readonly arenaBytes = 0;
  readonly #slots = new TensorSlots();
  readonly #indices = new TriangleIndices();
  readonly #operations: Operations = new TensorOperations(this.#slots, this.#indices);
  #recording: TaskRecord | undefined;

  allocate(shape: readonly number[]): Slot {
    return this.#slots.allocate(shape);
  }

  overlay(buffer: FlatBuffer, offset: number, shape: readonly number[]): Slot {
    return this.#slots.overlay(buffer, offset, shape);
  }

  packs(precision: PackedPrecision): boolean {
    return precision === 'float32';
  }

  allocatePacked([stack, n]: readonly [number, number], { precision }: Packing): Slot {
    if (!this.packs(precision)) {
      throw new TensorError(
        'unsupported',
        `TfjsEngine.allocatePacked: precision is "${precision}", and TensorFlow.js has tensors of float32 alone. Take "float32", or another engine.`,
        { precision },
      );
    }
    return this.allocate([stack, packedPlaces(n, precision)]);
  }

  frame(): Frame {
    return { allocate: (shape) => this.#slots.scratch(shape), reserve: () => undefined };
  }

  open(place: Place): void {
    this.#slots.open(place);
  }

  parallel(tasks: readonly Task[]): void {
    const records = tasks.map((task) => this.#record(task));
    this.#slots.together(() => {
      for (const equal of stacksPay() ? equalTasks(records) : records.map((one) => [one])) this.#run(equal);
    });
  }

  /** On a GPU operations are done later by themselves. */
  start(tasks: readonly Task[]): void {
    this.parallel(tasks);
  }

  finish(): void {}

  values(slot: Slot): Float32Array {
    return this.#slots.values(slot);
  }

  dispose(): void {
    this.#slots.dispose();
    this.#indices.dispose();
  }

  modeGram(...operands: Parameters<Operations['modeGram']>): void {
    this.#issue('modeGram', operands);
  }

  modeProduct(...operands: Parameters<Operations['modeProduct']>): void {
    this.#issue('modeProduct', operands);
  }

  scaleFactor(...operands: Parameters<Operations['scaleFactor']>): void {
    this.#issue('scaleFactor', operands);
  }

  eigh(...operands: Parameters<Operations['eigh']>): void {
    this.#issue('eigh', operands);
  }

  spectrumPower(...operands: Parameters<Operations['spectrumPower']>): void {
    this.#issue('spectrumPower', operands);
  }

  scaleRows(...operands: Parameters<Operations['scaleRows']>): void {
    this.#issue('scaleRows', operands);
  }

  mirror(...operands: Parameters<Operations['mirror']>): void {
    this.#issue('mirror', operands);
  }

  packLower(...operands: Parameters<Operations['packLower']>): void {
    this.#issue('packLower', operands);
  }

  unpackLower(...operands: Parameters<Operations['unpackLower']>): void {
    this.#issue('unpackLower', operands);
  }

  combine(...operands: Parameters<Operations['combine']>): void {
    this.#issue('combine', operands);
  }

  lerp(...operands: Parameters<Operations['lerp']>): void {
    this.#issue('lerp', operands);
  }

  addSquares(...operands: Parameters<Operations['addSquares']>): void {
    this.#issue('addSquares', operands);
  }

  divideByRoot(...operands: Parameters<Operations['divideByRoot']>): void {
    this.#issue('divideByRoot', operands);
  }

  norm(...operands: Parameters<Operations['norm']>): void {
    this.#issue('norm', operands);
  }

  normOfQuotient(...operands: Parameters<Operations['normOfQuotient']>): void {
    this.#issue('normOfQuotient', operands);
  }

  rescale(...operands: Parameters<Operations['rescale']>): void {
    this.#issue('rescale', operands);
  }

  identity(...operands: Parameters<Operations['identity']>): void {
    this.#issue('identity', operands);
  }

  addDiagonal(...operands: Parameters<Operations['addDiagonal']>): void {
    this.#issue('addDiagonal', operands);
  }

  addScaledDiagonal(...operands: Parameters<Operations['addScaledDiagonal']>): void {
    this.#issue('addScaledDiagonal', operands);
  }

  diagonal(...operands: Parameters<Operations['diagonal']>): void {
    this.#issue('diagonal', operands);
  }

  trace(...operands: Parameters<Operations['trace']>): void {
    this.#issue('trace', operands);
  }

  largestRowSum(...operands: Parameters<Operations['largestRowSum']>): void {
    this.#issue('largestRowSum', operands);
  }

  distanceFromIdentity(...operands: Parameters<Operations['distanceFromIdentity']>): void {
    this.#issue('distanceFromIdentity', operands);
  }

  offDiagonal(...operands: Parameters<Operations['offDiagonal']>): void {
    this.#issue('offDiagonal', operands);
  }

  rowDots(...operands: Parameters<Operations['rowDots']>): void {
    this.#issue('rowDots', operands);
  }

  orthonormalRows(...operands: Parameters<Operations['orthonormalRows']>): void {
    this.#issue('orthonormalRows', operands);
  }

  sortRows(...operands: Parameters<Operations['sortRows']>): void {
    this.#issue('sortRows', operands);
  }

  polarFactor(...operands: Parameters<Operations['polarFactor']>): void {
    this.#issue('polarFactor', operands);
  }

  threshold(...operands: Parameters<Operations['threshold']>): void {
    this.#issue('threshold', operands);
  }

  stalled(...operands: Parameters<Operations['stalled']>): void {
    this.#issue('stalled', operands);
  }

  fill(...operands: Parameters<Operations['fill']>): void {
    this.#issue('fill', operands);
  }

  scaleByPower(...operands: Parameters<Operations['scaleByPower']>): void {
    this.#issue('scaleByPower', operands);
  }

  sign(...operands: Parameters<Operations['sign']>): void {
    this.#issue('sign', operands);
  }

  sumOfMagnitudes(...operands: Parameters<Operations['sumOfMagnitudes']>): void {
    this.#issue('sumOfMagnitudes', operands);
  }

  divideByPower(...operands: Parameters<Operations['divideByPower']>): void {
    this.#issue('divideByPower', operands);
  }

  repeat(stop: Slot, { max }: { readonly max: number }, body: () => void): void {
    if (this.#recording !== undefined) this.#recording.repeat(stop, max, body);
    else this.parallel([() => this.repeat(stop, { max }, body)]);
  }

  #record(task: Task): TaskRecord {
    const record = new TaskRecord();
    this.#recording = record;
    try {
      task();
    } finally {
      this.#recording = undefined;
    }
    return record;
  }

  #run(equal: readonly TaskRecord[]): void {
    const [first] = equal as [TaskRecord];
    const slots = first.slots.map((slot, i) =>
      equal.length === 1 ? slot : this.#slots.stacked(equal.map((task) => task.slots[i] as (typeof first.slots)[number])),
    );
    this.#runAll(first.operations, slots);
    this.#slots.endTask();
  }

  #runAll(operations: readonly Recorded[], slots: readonly Slot[]): void {
    for (const operation of operations) {
      if (operation.name === 'repeat') this.#repeat(operation, slots);
      else this.#execute(operation.name, operandsOn(operation.operands, slots));
    }
  }

  /** Members of a stack that have stopped are held while the others go on. */
  #repeat({ operands, max, body }: RecordedRepeat, slots: readonly Slot[]): void {
    const [stop] = operandsOn(operands, slots) as [Slot];
    for (let round = 0; round < max; round++) {
      const running = Array.from(this.#slots.read(stop).dataSync(), (flag) => flag === 0);
      if (!this.#slots.holding(running, () => this.#runAll(body, slots))) return;
    }
  }

  /** Records an operation within a task, and runs it outside of one. */
  #issue(name: keyof Operations, operands: readonly unknown[]): void {
    if (this.#recording !== undefined) this.#recording.add(name, operands);
    else this.#execute(name, operands);
  }

  #execute(name: keyof Operations, operands: readonly unknown[]): void {
    (this.#operations[name] as (...operands: readonly unknown[]) => void).apply(this.#operations, [...operands]);
  }
}
