/** Learning rates of a group and of all. */
export interface Rates {
  /** What the group was made with. */
  readonly own: number;
  /** What the constructor was given for all. */
  readonly base: number;
  /** What the rate for all is now. */
  readonly current: number;
}

/** A group's learning rate now: it keeps its ratio to the rate for all. Where that started at 0 there is none, and the group keeps its own. */
export function groupRate({ own, base, current }: Rates): number {
  if (own === base) return current;
  return base === 0 ? own : (current * own) / base;
}
