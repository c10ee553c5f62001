import { dispose, keep, reshape, type Tensor, tidy, zeros } from '@tensorflow/tfjs-core';
import { TensorError } from '../../errors.ts';
import { packTensor, unpackTensor } from '../../flat.ts';
import { wholeRun } from '../../runs.ts';
import type { FlatBuffer, Place, Slot, Task } from '../matrix-engine.ts';
import { elements } from '../strides.ts';

/** A slot and where its numbers are at the moment. */
interface TensorSlot extends Slot {
  readonly kind: 'state' | 'scratch' | FlatBuffer;
  /** Elements from the start of the flat buffer. */
  readonly offset: number;
  device: Tensor | undefined;
  host: Float32Array | undefined;
  /** Whether the host was handed out last, so that its numbers count. */
  hostLeads: boolean;
}

/** The tensors behind an engine's slots, and their ways between host and device. */
export class TensorSlots {
  readonly #all: TensorSlot[] = [];
  /** Slots of flat buffers that an operation wrote, whose numbers the host doesn't have yet. */
  readonly #written = new Set<TensorSlot>();
  /** Device copies of flat buffers, and scratch: gone when the outermost call ends, as others write to the buffers meanwhile. */
  readonly #passing = new Set<TensorSlot>();
  #depth = 0;
  #place: Place | undefined;

  allocate(shape: readonly number[]): Slot {
    return this.#add('state', 0, shape);
  }

  overlay(buffer: FlatBuffer, offset: number, shape: readonly number[]): Slot {
    return this.#add(buffer, offset, shape);
  }

  scratch(shape: readonly number[]): Slot {
    return this.#add('scratch', 0, shape);
  }

  #add(kind: TensorSlot['kind'], offset: number, shape: readonly number[]): Slot {
    const slot: TensorSlot = {
      kind,
      offset,
      shape: Object.freeze([...shape]),
      device: undefined,
      host: undefined,
      hostLeads: false,
    };
    this.#all.push(slot);
    return slot;
  }

  open(place: Place): void {
    if (this.#place !== undefined)
      throw new TensorError('bad-layout', 'TfjsEngine.open: the engine is open, its layout is fixed.');
    this.#place = place;
    const { memory, flatOffsets } = place;
    for (const slot of this.#all) {
      // All at once, so that steps allocate nothing that lasts.
      if (slot.kind === 'state') slot.device = tidy(() => keep(zeros([...slot.shape])));
      if (slot.kind === 'state' || slot.kind === 'scratch') continue;
      slot.host = new Float32Array(memory.buffer, flatOffsets[slot.kind] + 4 * slot.offset, elements(slot.shape));
    }
  }

  /** Runs tasks one after the other; what they read of flat buffers is uploaded once for all of them, what they wrote comes back at the end. */
  together(tasks: readonly Task[]): void {
    this.#enter();
    try {
      for (const task of tasks) {
        task();
        this.#release('scratch');
      }
    } finally {
      this.#leave();
    }
  }

  /** A slot's tensor, which stays the slot's. */
  read(slot: Slot): Tensor {
    const one = slot as TensorSlot;
    if (one.device !== undefined && !one.hostLeads) return one.device;
    one.device?.dispose();
    const fresh = tidy(() => keep(one.host === undefined ? zeros([...one.shape]) : upload(one.host, one.shape)));
    one.device = fresh;
    one.hostLeads = false;
    if (one.kind !== 'state') this.#passing.add(one);
    return fresh;
  }

  /** Puts new tensors behind slots: those that `f` makes, in the slots' order. */
  replace(slots: readonly Slot[], f: () => readonly Tensor[]): void {
    if (this.#place === undefined) throw new TensorError('bad-layout', 'TfjsEngine: open() comes before the first operation.');
    this.#enter();
    try {
      const made = tidy(() => f().map((one, i) => fresh(one, slots[i] as Slot)));
      for (const [i, slot] of slots.entries()) {
        const one = slot as TensorSlot;
        one.device?.dispose();
        one.device = keep(made[i] as Tensor);
        one.hostLeads = false;
        if (one.kind !== 'state') this.#passing.add(one);
        if (one.kind !== 'state' && one.kind !== 'scratch') this.#written.add(one);
      }
    } finally {
      this.#leave();
    }
  }

  /** The host's numbers, which count from now on: what is written to them is what the next operation reads. */
  values(slot: Slot): Float32Array {
    const one = slot as TensorSlot;
    one.host ??= new Float32Array(elements(one.shape));
    if (one.kind !== 'state') return one.host;
    if (one.device !== undefined && !one.hostLeads) download(one.host, one.device);
    one.hostLeads = true;
    return one.host;
  }

  dispose(): void {
    for (const slot of this.#all) {
      slot.device?.dispose();
      slot.device = undefined;
    }
    this.#written.clear();
    this.#passing.clear();
  }

  #enter(): void {
    this.#depth += 1;
  }

  #leave(): void {
    this.#depth -= 1;
    if (this.#depth > 0) return;
    for (const { host, device } of this.#written) if (host !== undefined && device !== undefined) download(host, device);
    this.#written.clear();
    this.#release();
  }

  /** Lets go of tensors that live no longer than a call, or a task. */
  #release(kind?: TensorSlot['kind']): void {
    for (const slot of this.#passing) {
      if (kind !== undefined && slot.kind !== kind) continue;
      // A single operation outside of tasks leaves its scratch to the next one.
      if (kind === undefined && slot.kind === 'scratch') continue;
      dispose(slot.device as Tensor);
      slot.device = undefined;
      this.#passing.delete(slot);
    }
  }
}

const upload = (numbers: Float32Array, shape: readonly number[]): Tensor =>
  unpackTensor(numbers, shape, [wholeRun(numbers.length, 0)]);

const download = (numbers: Float32Array, device: Tensor): void => packTensor(numbers, device, [wholeRun(numbers.length, 0)]);

/** A tensor of the slot's shape that is nobody else's: operations may hand on an operand, or another view of it. */
const fresh = (made: Tensor, { shape }: Slot): Tensor => reshape(made, [...shape]);
