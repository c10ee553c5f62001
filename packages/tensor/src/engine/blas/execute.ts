import { endOfRun, mayBeChunked, runChunked } from './element-run.ts';
import type { Machine } from './machine.ts';
import { next, operationAt, operationTable } from './operations.ts';

/** The number that stands for `repeat`, which is followed by the offset of its flag, the most rounds, the length of its body in numbers, and the body. */
export const REPEAT = operationTable.length;
/** Numbers of a `repeat` before its body. */
export const REPEAT_HEADER = 4;

/** How the queue writes a byte offset that counts from the lane's own frame: as a negative number. */
export const frameOffset = (offset: number): number => -1 - offset;

/** Runs the commands `[code, slots..., numbers...]` that lie in `p` from `from` to `to`. */
export function execute(machine: Machine, p: Float64Array, from: number, to: number): void {
  for (let i = from; i < to; ) {
    if (p[i] === REPEAT) {
      i = repeat(machine, p, i);
      continue;
    }
    const end = endOfRun(p, i, to);
    for (let command = i; command < end; command = next(p, command)) {
      const [slots] = operationAt(p, command);
      for (let slot = command + 1; slot <= command + slots; slot++) locate(machine, p, slot);
    }
    if (next(p, i) < end && mayBeChunked(p, i, end)) runChunked(machine, p, i, end);
    else for (let command = i; command < end; command = next(p, command)) operationAt(p, command)[2](machine, p, command + 1);
    i = end;
  }
}

/** Runs the body of a `repeat` at `p[i]` until its flag is set. @returns where the commands go on. */
function repeat(machine: Machine, p: Float64Array, i: number): number {
  locate(machine, p, i + 1);
  const flag = (p[i + 1] as number) / 4;
  const [max, length] = [p[i + 2] as number, p[i + 3] as number];
  const body = i + REPEAT_HEADER;
  for (let round = 0; round < max && machine.float32[flag] === 0; round++) execute(machine, p, body, body + length);
  return body + length;
}

/** Makes an offset within the lane's frame one within the memory, once. */
function locate({ frame }: Machine, p: Float64Array, i: number): void {
  const offset = p[i] as number;
  if (offset < 0) p[i] = frame - 1 - offset;
}
