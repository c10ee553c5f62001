/**
 * Where everything lies in the memory that ranks share: pure arithmetic, in bytes, the same on every rank.
 */

/** A WebAssembly page. Every region starts on one. */
export const PAGE = 65536;

/** Words that different ranks write lie at least this far apart, so that no cache line is fought over. */
export const CACHE_LINE = 64;

/** The most ranks of a host that share memory; what ranks write grows with their square. */
export const MOST_RANKS = 256;

/** Rounds up to a multiple. */
export const roundUp = (bytes: number, multiple: number): number => Math.ceil(bytes / multiple) * multiple;

/** Room of a cause of failure, as text. */
export const RECORD_BYTES = 2048;

/** Room of a short text from one rank to the others. */
export const NOTE_BYTES = 1024;

/** The control pages: where ranks meet, say what they call, and leave the cause when they fail. */
export interface ControlLayout {
  readonly arrivals: number;
  readonly generation: number;
  readonly sleepers: number;
  readonly aborted: number;
  readonly nonce: number;
  /** Of one rank: its number of meetings, then whether it has closed. */
  readonly rankLine: (rank: number) => number;
  /** Of one rank's progress thread: what the kernel strikes out when it ends. */
  readonly signature: (rank: number) => number;
  /** Of one rank: the call that it is in. Two slots, used in turn: a rank may already post the next call while another reads this one. */
  readonly callLine: (slot: number, rank: number) => number;
  readonly callLineBytes: number;
  /** A cause of failure. Two per rank: its main thread (0) and its progress thread (1) never write the same one. */
  readonly record: (rank: number, thread: 0 | 1) => number;
  readonly note: (rank: number) => number;
  readonly totalBytes: number;
}

/** Words before the counts of a call line. */
export const CALL_HEADER_BYTES = 64;

/** @param size number of ranks. */
export function controlLayout(size: number): ControlLayout {
  const words = 5;
  const rankLines = words * CACHE_LINE;
  const signatures = rankLines + size * CACHE_LINE;
  const callLines = signatures + size * CACHE_LINE;
  const callLineBytes = roundUp(CALL_HEADER_BYTES + 8 * size, CACHE_LINE);
  const records = callLines + 2 * size * callLineBytes;
  const notes = records + 2 * size * RECORD_BYTES;
  return {
    arrivals: 0 * CACHE_LINE,
    generation: 1 * CACHE_LINE,
    sleepers: 2 * CACHE_LINE,
    aborted: 3 * CACHE_LINE,
    nonce: 4 * CACHE_LINE,
    rankLine: (rank) => rankLines + rank * CACHE_LINE,
    signature: (rank) => signatures + rank * CACHE_LINE,
    callLine: (slot, rank) => callLines + (slot * size + rank) * callLineBytes,
    callLineBytes,
    record: (rank, thread) => records + (2 * rank + thread) * RECORD_BYTES,
    note: (rank) => notes + rank * NOTE_BYTES,
    totalBytes: roundUp(notes + size * NOTE_BYTES, PAGE),
  };
}

/** The region that `connect` makes: control pages, then for each rank the slots through which private arrays pass in blocks. */
export interface StagingLayout {
  readonly control: ControlLayout;
  /** What one slot holds. */
  readonly blockBytes: number;
  /** Address of a rank's slot for the block of this running number. Three are in use at once; see `algorithms/staged.ts`. */
  readonly slot: (rank: number, block: number) => number;
  readonly totalBytes: number;
}

/** Slots of each rank. */
export const SLOTS = 3;

const MOST_BLOCK_BYTES = 1 << 20;
const LEAST_BLOCK_BYTES = 1 << 17;
const ALL_BLOCKS_BYTES = 8 << 20; // of all ranks together, one slot each: about what the caches hold

/** @param size number of ranks. */
export function stagingLayout(size: number): StagingLayout {
  const control = controlLayout(size);
  const share = Math.floor(ALL_BLOCKS_BYTES / size / PAGE) * PAGE;
  const blockBytes = Math.min(MOST_BLOCK_BYTES, Math.max(LEAST_BLOCK_BYTES, share));
  return {
    control,
    blockBytes,
    slot: (rank, block) => control.totalBytes + (rank * SLOTS + (block % SLOTS)) * blockBytes,
    totalBytes: control.totalBytes + size * SLOTS * blockBytes,
  };
}

/** What `allocate` was asked for, in bytes. */
export interface GroupSizes {
  readonly peerBytes: number;
  readonly groupBytes: number;
  readonly privateBytes: number;
}

/** Registered memory: one control page, the peer regions, the group region, private memory, and scratch of the kernels behind. */
export interface GroupLayout {
  readonly nonce: number;
  readonly peer: (rank: number) => number;
  readonly peerBytes: number;
  readonly group: number;
  readonly groupBytes: number;
  readonly private: number;
  readonly scratch: number;
  /** The first bytes, which all ranks share. */
  readonly sharedBytes: number;
  readonly totalBytes: number;
}

/** @param size number of ranks. */
export function groupLayout(size: number, sizes: GroupSizes): GroupLayout {
  const peerBytes = roundUp(sizes.peerBytes, PAGE);
  const group = PAGE + size * peerBytes;
  const groupBytes = roundUp(sizes.groupBytes, PAGE);
  const sharedBytes = group + groupBytes;
  const scratch = sharedBytes + roundUp(sizes.privateBytes, PAGE);
  return {
    nonce: 0,
    peer: (rank) => PAGE + rank * peerBytes,
    peerBytes,
    group,
    groupBytes,
    private: sharedBytes,
    scratch,
    sharedBytes,
    totalBytes: scratch + PAGE,
  };
}
