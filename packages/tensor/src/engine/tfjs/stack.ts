import type { Tensor } from '@tensorflow/tfjs-core';

/** A tensor that holds the numbers of several slots, one after the other along its first axis. It goes when no slot has a part of it any more. */
export interface Stack {
  readonly tensor: Tensor;
  /** Parts it was made of. */
  readonly count: number;
  /** Slots whose numbers it still holds. */
  users: number;
}

/** Where a slot's numbers lie. */
export interface Part {
  readonly stack: Stack;
  readonly index: number;
}

/** Something that has a part of a stack, or none. */
export interface Holder {
  part: Part | undefined;
}

/** Gives holders the parts of a kept tensor, in order; they let go of what they had. */
export function settle(holders: readonly Holder[], tensor: Tensor): void {
  const stack: Stack = { tensor, count: holders.length, users: holders.length };
  for (const [index, holder] of holders.entries()) {
    release(holder);
    holder.part = { stack, index };
  }
}

/** Takes a holder's part away. */
export function release(holder: Holder): void {
  if (holder.part === undefined) return;
  const { stack } = holder.part;
  holder.part = undefined;
  stack.users -= 1;
  if (stack.users === 0) stack.tensor.dispose();
}

/** The tensor that has the parts of exactly these holders, in their order; undefined where there is none. */
export function common(holders: readonly Holder[]): Tensor | undefined {
  const stack = holders[0]?.part?.stack;
  const whole = stack?.count === holders.length && holders.every(({ part }, i) => part?.stack === stack && part?.index === i);
  return whole ? stack?.tensor : undefined;
}
