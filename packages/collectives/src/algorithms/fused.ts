/**
 * Collectives in place on registered memory: every rank reads the others' regions where they are. Each function is what follows
 * the meeting in which the ranks compared their calls, and runs only where `isFused` said so, on all ranks alike.
 */
import { type Call, partStart } from '../call.ts';
import { bytesOf, type Elements, type ReducibleType } from '../elements.ts';
import type { RegisteredMemory } from '../memory/registered.ts';
import type { CallLine } from './call-line.ts';
import { share } from './shares.ts';

/** What a fused collective works with. */
export interface FusedPlace {
  readonly rank: number;
  readonly size: number;
  readonly memory: RegisteredMemory;
  /** Every rank's line in this call. */
  readonly lines: readonly CallLine[];
  /** Waits for all ranks. @throws {CollectivesError} where the group fails. */
  meet(): void;
}

/**
 * The region that a call can be done in without staging: the one in which every rank's input (for a broadcast, the source's) lies where
 * its peers can read it. 0 where there is none. Pure in the lines, which are the same on every rank.
 */
export function fusedRegion({ operation, source }: Call, lines: readonly CallLine[]): number {
  if (operation === 'broadcast') return lines[source!]!.inputRegion;
  const region = lines[0]!.inputRegion;
  for (let r = 1; r < lines.length; r++) if (lines[r]!.inputRegion !== region) return 0;
  return region;
}

const reduction = (call: Call, lengthBytes: number) => ({ op: call.op!, type: call.dtype.name as ReducibleType, lengthBytes });

const inputsAt = ({ lines, size }: FusedPlace, at: number): number[] => {
  const inputs: number[] = [];
  for (let r = 0; r < size; r++) inputs.push(lines[r]!.inputAddress + at);
  return inputs;
};

/** Every x <- x_0 op x_1 op ... : each rank adds its share of all inputs, in one pass, and stores it to all. */
export function fusedAllReduce(place: FusedPlace, call: Call): void {
  const { from, end } = share(call.output!.byteLength, place.rank, place.size);
  if (end > from) place.memory.kernels.reduceToAll(inputsAt(place, from), reduction(call, end - from));
  place.meet();
}

/** mine <- part of whole_0 op whole_1 op ...: the same pass, over the own part, stored once. */
export function fusedReduceScatter(place: FusedPlace, call: Call): void {
  const { memory } = place;
  const mine = call.output!;
  const inputs = inputsAt(place, partStart(call.counts, place.rank) * call.dtype.bytes);
  if (mine.length > 0 && memory.holds(mine))
    memory.kernels.reduceToOne(mine.byteOffset, inputs, reduction(call, mine.byteLength));
  else
    throughScratch(memory, mine, (at, lengthBytes) => {
      memory.kernels.reduceToOne(
        memory.scratch + OUT,
        inputs.map((base) => base + at),
        reduction(call, lengthBytes),
      );
    });
  place.meet();
}

/** Behind what the kernels themselves use of the scratch page. */
const OUT = 32 * 1024;
const OUT_BYTES = 32 * 1024;

/** Fills an array outside of the memory, piece by piece. */
function throughScratch(memory: RegisteredMemory, into: Elements, compute: (at: number, lengthBytes: number) => void): void {
  const target = bytesOf(into);
  const start = memory.scratch + OUT;
  for (let at = 0; at < target.length; at += OUT_BYTES) {
    const lengthBytes = Math.min(OUT_BYTES, target.length - at);
    compute(at, lengthBytes);
    target.set(memory.bytes.subarray(start, start + lengthBytes), at);
  }
}

/** Copies bytes of the memory into an array that lies in it or elsewhere; nothing where they are there already. */
function copyOut(
  memory: RegisteredMemory,
  { from, to, at, lengthBytes }: { from: number; to: Elements; at: number; lengthBytes: number },
): void {
  if (!memory.holds(to)) bytesOf(to).set(memory.bytes.subarray(from, from + lengthBytes), at);
  else if (to.byteOffset + at !== from) memory.kernels.copy(to.byteOffset + at, from, lengthBytes);
}

/**
 * whole <- (mine_0, mine_1, ...). Where `whole` is one and the same memory on all ranks, each puts its own part there; where all
 * parts are there already, nothing is left to do: they were complete when the ranks met.
 */
export function fusedAllGather(place: FusedPlace, call: Call): void {
  const { lines, size, memory } = place;
  const whole = call.output!;
  const ranks = Array.from({ length: size }, (_, r) => r);
  const parts = ranks.map((r) => partStart(call.counts, r) * call.dtype.bytes);
  const target = lines[0]!;
  const oneWhole = lines.every((line) => line.outputRegion === memory.region && line.outputAddress === target.outputAddress);
  const inPlace = (r: number) => call.counts[r] === 0 || lines[r]!.inputAddress === target.outputAddress + parts[r]!;
  if (oneWhole && ranks.every(inPlace)) return;
  for (const r of oneWhole ? [place.rank] : ranks) {
    copyOut(memory, { from: lines[r]!.inputAddress, to: whole, at: parts[r]!, lengthBytes: call.counts[r]! * call.dtype.bytes });
  }
  place.meet();
}

/** x <- x of the source. */
export function fusedBroadcast(place: FusedPlace, call: Call): void {
  const x = call.output!;
  copyOut(place.memory, { from: place.lines[call.source!]!.inputAddress, to: x, at: 0, lengthBytes: x.byteLength });
  place.meet();
}
