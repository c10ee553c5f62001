import type { Operations, Slot } from '../matrix-engine.ts';
import { elements } from '../strides.ts';
import type { TensorSlot } from './tensor-slots.ts';

/** An operand of a recorded operation: the n-th slot that its task met. */
interface SlotNumber {
  readonly slot: number;
}

/** An operation that was not run yet. Operands are slots by number; everything else stands as it was given. */
export type Recorded = RecordedOperation | RecordedRepeat;

export interface RecordedOperation {
  readonly name: keyof Operations;
  readonly operands: readonly unknown[];
}

/** Operations that run until a flag is set. */
export interface RecordedRepeat {
  readonly name: 'repeat';
  /** The flag. */
  readonly operands: readonly [SlotNumber];
  readonly max: number;
  readonly body: readonly Recorded[];
}

/** What a task would do: its operations, the slots that they touch, and a text that is the same for tasks that differ in their slots alone. */
export class TaskRecord {
  #operations: Recorded[] = [];
  readonly slots: TensorSlot[] = [];
  readonly #numbers = new Map<Slot, SlotNumber>();
  #signature = '';

  get operations(): readonly Recorded[] {
    return this.#operations;
  }

  get signature(): string {
    return this.#signature;
  }

  add(name: keyof Operations, operands: readonly unknown[]): void {
    const recorded = operands.map((operand) => (isSlot(operand) ? this.#number(operand) : operand));
    this.#operations.push({ name, operands: recorded });
    this.#signature += `${name}${JSON.stringify(recorded, (_, value) => (typeof value === 'number' ? String(value) : value))}\n`;
  }

  repeat(stop: Slot, max: number, body: () => void): void {
    const outer = this.#operations;
    const flag = this.#number(stop as TensorSlot);
    this.#signature += `repeat ${flag.slot} ${max} {\n`;
    this.#operations = [];
    try {
      body();
      outer.push({ name: 'repeat', operands: [flag], max, body: this.#operations });
    } finally {
      this.#operations = outer;
    }
    this.#signature += '}\n';
  }

  #number(slot: TensorSlot): SlotNumber {
    let number = this.#numbers.get(slot);
    if (number === undefined) {
      number = { slot: this.slots.length };
      this.#numbers.set(slot, number);
      this.slots.push(slot);
      this.#signature += `${number.slot}: ${slot.kind} ${slot.shape}\n`;
    }
    return number;
  }
}

const isSlot = (operand: unknown): operand is TensorSlot => typeof operand === 'object' && operand !== null && 'shape' in operand;

/** @returns the operands of a recorded operation, with slots in their places. */
export const operandsOn = (operands: readonly unknown[], slots: readonly Slot[]): readonly unknown[] =>
  operands.map((operand) =>
    typeof operand === 'object' && operand !== null && 'slot' in operand ? slots[(operand as SlotNumber).slot] : operand,
  );

/** Elements of a stacked slot, at most: past a few million a device gains nothing more, and temporary tensors cost memory. */
const MOST_ELEMENTS = 1 << 24;

/** Tasks that can run as one: equal but for their slots, which are all different, and not too large together. In the order of their first members. */
export function equalTasks(tasks: readonly TaskRecord[]): readonly (readonly TaskRecord[])[] {
  const bySignature = new Map<string, TaskRecord[]>();
  for (const task of tasks) {
    const equal = bySignature.get(task.signature);
    if (equal === undefined) bySignature.set(task.signature, [task]);
    else equal.push(task);
  }
  return [...bySignature.values()].flatMap((equal) => {
    const { slots } = equal[0] as TaskRecord;
    const shared = new Set(equal.flatMap((task) => task.slots)).size < equal.length * slots.length;
    const largest = Math.max(1, ...slots.map(({ shape }) => elements(shape)));
    return chunks(equal, shared ? 1 : Math.max(1, Math.floor(MOST_ELEMENTS / largest)));
  });
}

const chunks = <Item>(items: readonly Item[], size: number): Item[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
