import { concat, keep, reshape, slice, type Tensor, tensor1d, tidy, where, zeros } from '@tensorflow/tfjs-core';
import { TensorError } from '../../errors.ts';
import { packTensor, unpackTensor } from '../../flat.ts';
import { type Run, wholeRun } from '../../runs.ts';
import type { FlatBuffer, Place, Slot } from '../matrix-engine.ts';
import { elements } from '../strides.ts';
import { common, type Holder, release, type Stack, settle } from './stack.ts';

/** A slot and where its numbers are at the moment: in a part of a tensor, or on the host. */
export interface TensorSlot extends Slot, Holder {
  readonly kind: 'state' | 'scratch' | FlatBuffer;
  /** Elements from the start of the flat buffer. */
  readonly offset: number;
  host: Float32Array | undefined;
  /** Whether the host was handed out last, so that its numbers count. */
  hostLeads: boolean;
}

/** Slots of one kind and shape as one: reading joins their numbers, and writing gives each its part. */
export interface StackedSlot extends Slot {
  readonly members: readonly TensorSlot[];
}

/** The tensors behind an engine's slots, and their ways between host and device. */
export class TensorSlots {
  readonly #all: TensorSlot[] = [];
  /** Slots of flat buffers that an operation wrote, whose numbers the host doesn't have yet. */
  readonly #written = new Set<TensorSlot>();
  /** Device copies of flat buffers, and scratch: gone when the outermost call ends, as others write to the buffers meanwhile. */
  readonly #passing = new Set<TensorSlot>();
  readonly #flat = new Map<FlatBuffer, Float32Array>();
  #depth = 0;
  #isOpen = false;
  /** Which members of a stack operations may write; absent where all of them. */
  #writable: { readonly members: readonly boolean[]; readonly tensor: Tensor } | undefined;

  allocate(shape: readonly number[]): Slot {
    return this.#add('state', 0, shape);
  }

  overlay(buffer: FlatBuffer, offset: number, shape: readonly number[]): Slot {
    return this.#add(buffer, offset, shape);
  }

  scratch(shape: readonly number[]): Slot {
    return this.#add('scratch', 0, shape);
  }

  /** @param members different slots of one kind and shape. */
  stacked(members: readonly TensorSlot[]): StackedSlot {
    const [stack, ...dims] = (members[0] as TensorSlot).shape as [number, ...number[]];
    return { shape: [stack * members.length, ...dims], members };
  }

  #add(kind: TensorSlot['kind'], offset: number, shape: readonly number[]): Slot {
    const slot: TensorSlot = {
      kind,
      offset,
      shape: Object.freeze([...shape]),
      part: undefined,
      host: undefined,
      hostLeads: false,
    };
    this.#all.push(slot);
    return slot;
  }

  open({ memory, flatOffsets }: Place): void {
    if (this.#isOpen) throw new TensorError('bad-layout', 'TfjsEngine.open: the engine is open, its layout is fixed.');
    this.#isOpen = true;
    for (const slot of this.#all) {
      // All at once, so that steps allocate nothing that lasts.
      if (slot.kind === 'state') settle([slot], tidy(() => keep(zeros([...slot.shape])))); // biome-ignore format: one step
      if (slot.kind === 'state' || slot.kind === 'scratch') continue;
      const flat = this.#flat.get(slot.kind) ?? new Float32Array(memory.buffer, flatOffsets[slot.kind]);
      this.#flat.set(slot.kind, flat);
      slot.host = flat.subarray(slot.offset, slot.offset + elements(slot.shape));
    }
  }

  /** Runs several calls as one: what they read of flat buffers is uploaded once for all of them, what they wrote comes back at the end. */
  together(calls: () => void): void {
    this.#depth += 1;
    try {
      calls();
    } finally {
      this.#depth -= 1;
      if (this.#depth === 0) this.#comeBack();
    }
  }

  /**
   * Runs calls that leave some members of every stack as they are, those that an outer call leaves among them.
   * @param running whether a member may be written. @returns false, and runs nothing, where none may.
   */
  holding(running: readonly boolean[], calls: () => void): boolean {
    const outer = this.#writable;
    const members = running.map((one, i) => one && (outer?.members[i] ?? true));
    if (!members.includes(true)) return false;
    this.#writable = members.includes(false) ? { members, tensor: tensor1d(members, 'bool') } : undefined;
    try {
      calls();
    } finally {
      this.#writable?.tensor.dispose();
      this.#writable = outer;
    }
    return true;
  }

  /** Ends a task: its scratch goes. */
  endTask(): void {
    this.#release((kind) => kind === 'scratch');
  }

  /** A slot's tensor, which stays the slot's. */
  read(slot: Slot): Tensor {
    const members = membersOf(slot);
    const there = members.some(({ hostLeads }) => hostLeads) ? undefined : common(members);
    if (there !== undefined) return there;
    // Joined once: as long as the same slots are read together, later reads find them so.
    const joined = tidy(() => keep(this.#join(members, slot.shape)));
    this.#put(members, joined);
    return joined;
  }

  /** Puts new tensors behind slots: those that `f` makes, in the slots' order. */
  replace(slots: readonly Slot[], f: () => readonly Tensor[]): void {
    if (!this.#isOpen) throw new TensorError('bad-layout', 'TfjsEngine: open() comes before the first operation.');
    this.together(() => {
      const made = tidy(() => f().map((one, i) => keep(this.#held(fresh(one, slots[i] as Slot), slots[i] as Slot))));
      for (const [i, slot] of slots.entries()) {
        const members = membersOf(slot);
        this.#put(members, made[i] as Tensor);
        for (const member of members) if (isFlat(member)) this.#written.add(member);
      }
    });
  }

  /** The host's numbers, which count from now on: what is written to them is what the next operation reads. */
  values(slot: Slot): Float32Array {
    const one = slot as TensorSlot;
    one.host ??= new Float32Array(elements(one.shape));
    if (one.kind !== 'state') return one.host;
    if (one.part !== undefined && !one.hostLeads) this.#download(one, one.host);
    one.hostLeads = true;
    return one.host;
  }

  dispose(): void {
    for (const slot of this.#all) release(slot);
    this.#written.clear();
    this.#passing.clear();
  }

  /** What is to stand in a slot: the new numbers, but of members that keep theirs the old ones. */
  #held(made: Tensor, slot: Slot): Tensor {
    if (this.#writable === undefined) return made;
    return where(reshape(this.#writable.tensor, [-1, ...slot.shape.slice(1).map(() => 1)]), made, this.read(slot));
  }

  /** The numbers of some slots in one new tensor. Within a tidy. */
  #join(members: readonly TensorSlot[], shape: readonly number[]): Tensor {
    const [first] = members as [TensorSlot];
    if (isFlat(first) && members.every(({ part }) => part === undefined)) {
      const flat = this.#flat.get(first.kind as FlatBuffer) as Float32Array;
      return unpackTensor(
        flat,
        shape,
        members.map((member, i) => runOf(member, i)),
      );
    }
    const tensors = members.map((member) => this.#own(member));
    return members.length === 1 ? fresh(tensors[0] as Tensor, first) : concat(tensors, 0);
  }

  /** One slot's numbers. Within a tidy. */
  #own({ part, host, hostLeads, shape }: TensorSlot): Tensor {
    if (host !== undefined && (hostLeads || part === undefined)) return unpackTensor(host, shape, [wholeRun(host.length, 0)]);
    if (part === undefined) return zeros([...shape]);
    const { stack, index } = part;
    const rows = shape[0] as number;
    return stack.count === 1 ? stack.tensor : slice(stack.tensor, [index * rows, ...shape.slice(1).map(() => 0)], [...shape]);
  }

  #put(members: readonly TensorSlot[], tensor: Tensor): void {
    settle(members, tensor);
    for (const member of members) {
      member.hostLeads = false;
      if (member.kind !== 'state') this.#passing.add(member);
    }
  }

  #download(slot: TensorSlot, to: Float32Array): void {
    const { stack, index } = slot.part as NonNullable<Holder['part']>;
    packTensor(to, stack.tensor, [{ ...wholeRun(to.length, 0), tensorOffset: index * to.length }]);
  }

  /** Brings what was written to flat buffers to the host, a tensor at a time. */
  #comeBack(): void {
    const written = new Map<Stack, TensorSlot[]>();
    for (const slot of this.#written) {
      const stack = slot.part?.stack;
      if (stack === undefined) continue;
      const slots = written.get(stack);
      if (slots === undefined) written.set(stack, [slot]);
      else slots.push(slot);
    }
    for (const [stack, slots] of written) {
      const flat = this.#flat.get(slots[0]?.kind as FlatBuffer) as Float32Array;
      packTensor(
        flat,
        stack.tensor,
        slots.map((slot) => runOf(slot, slot.part?.index ?? 0)),
      );
    }
    this.#written.clear();
    // A single operation outside of tasks leaves its scratch to the next one.
    this.#release((kind) => kind !== 'scratch');
  }

  /** Lets go of tensors that live no longer than a call, or a task. */
  #release(ends: (kind: TensorSlot['kind']) => boolean): void {
    for (const slot of this.#passing) {
      if (!ends(slot.kind)) continue;
      release(slot);
      this.#passing.delete(slot);
    }
  }
}

const membersOf = (slot: Slot): readonly TensorSlot[] =>
  'members' in slot ? (slot as StackedSlot).members : [slot as TensorSlot];

const isFlat = ({ kind }: TensorSlot): boolean => kind !== 'state' && kind !== 'scratch';

/** Where a slot's numbers lie in its flat buffer, and in a tensor of equal slots. */
const runOf = ({ offset, shape }: TensorSlot, index: number): Run => {
  const size = elements(shape);
  return { ...wholeRun(size, offset), tensorOffset: index * size };
};

/** A tensor of the slot's shape that is nobody else's: operations may hand on an operand, or another view of it. */
const fresh = (made: Tensor, { shape }: Slot): Tensor => reshape(made, [...shape]);
