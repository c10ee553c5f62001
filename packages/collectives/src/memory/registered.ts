import { nowhere, type Placement } from '../algorithms/call-line.ts';
import type { Elements } from '../elements.ts';
import { CollectivesError } from '../errors.ts';
import { type Kernels, kernelsOver } from '../kernels/kernels.ts';
import { type GroupLayout, type GroupSizes, groupLayout, PAGE } from './layout.ts';

/** Memory that `allocate` made, as the caller sees it. Offsets in bytes, multiples of 64 KiB. */
export interface GroupMemory {
  /** One memory for peers, group and private bytes; shared, and of fixed size. */
  readonly memory: WebAssembly.Memory;
  /** Where the region of `rank` starts. Every rank may read it while nobody writes it; only its owner and the collectives write it. */
  readonly peerOffset: (rank: number) => number;
  /** Where the bytes start that are the same on every rank. */
  readonly groupOffset: number;
  readonly privateOffset: number;
  /** Whether the regions really are shared. Where not, the collectives copy, and the regions of other ranks stay zero. */
  readonly zeroCopy: boolean;
}

/** A page count that WebAssembly can address. */
const MOST_PAGES = 65536;

/**
 * Where everything lies in the memory to be allocated.
 *
 * @throws {CollectivesError} `bad-argument` for sizes that are no sizes, or beyond 4 GB in all.
 */
export function checkedLayout(size: number, sizes: GroupSizes): GroupLayout {
  for (const name of ['peerBytes', 'groupBytes', 'privateBytes'] as const) {
    const bytes = sizes[name];
    if (Number.isSafeInteger(bytes) && bytes >= 0) continue;
    throw new CollectivesError('bad-argument', `allocate: ${name} must be an integer of at least 0, got ${bytes}.`);
  }
  const layout = groupLayout(size, sizes);
  if (layout.totalBytes <= MOST_PAGES * PAGE) return layout;
  throw new CollectivesError(
    'bad-argument',
    `allocate: ${size} regions of ${sizes.peerBytes} bytes, ${sizes.groupBytes} for the group and ${sizes.privateBytes} private ones are ` +
      `${layout.totalBytes} bytes; one WebAssembly memory ends at ${MOST_PAGES * PAGE}. Allocate in several parts, or use fewer ranks.`,
  );
}

/** A shared memory of the layout's size that is this process's own. @throws {CollectivesError} `unsupported` where there is none left. */
export function privateMemory(layout: GroupLayout): WebAssembly.Memory {
  const pages = layout.totalBytes / PAGE;
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  } catch (error) {
    throw new CollectivesError('unsupported', `allocate: no memory of ${layout.totalBytes} bytes: ${(error as Error).message}.`);
  }
}

/** The caller's view of memory with this layout. */
export function groupMemory(memory: WebAssembly.Memory, layout: GroupLayout, zeroCopy: boolean): GroupMemory {
  const { peer, group } = layout;
  return { memory, peerOffset: peer, groupOffset: group, privateOffset: layout.private, zeroCopy };
}

/** Memory that all ranks share, with its kernels: where collectives work in place. */
export class RegisteredMemory {
  /** Number of the region, from 1, the same on every rank. */
  readonly region: number;
  readonly bytes: Uint8Array;
  readonly kernels: Kernels;
  /** Address of a piece of memory that only this thread uses. */
  readonly scratch: number;
  readonly #layout: GroupLayout;
  readonly #rank: number;

  constructor(
    memory: WebAssembly.Memory,
    { region, layout, rank, size }: { region: number; layout: GroupLayout; rank: number; size: number },
  ) {
    this.region = region;
    this.bytes = new Uint8Array(memory.buffer);
    this.kernels = kernelsOver(memory, { size, scratch: layout.scratch });
    this.scratch = layout.scratch;
    this.#layout = layout;
    this.#rank = rank;
  }

  /** Whether the array lies anywhere in this memory. */
  holds(x: Elements): boolean {
    return x.buffer === this.bytes.buffer;
  }

  /** Where the peers find an array of this rank; nowhere, unless it lies in this rank's own region or in the group's. */
  readableAt(x: Elements): Placement {
    const own = this.#layout.peer(this.#rank);
    return this.#within(x, own, own + this.#layout.peerBytes) ? { region: this.region, address: x.byteOffset } : this.sharedAt(x);
  }

  /** Where an array lies that is the same memory on every rank; nowhere, unless in the group's region. */
  sharedAt(x: Elements): Placement {
    const { group, groupBytes } = this.#layout;
    return this.#within(x, group, group + groupBytes) ? { region: this.region, address: x.byteOffset } : nowhere;
  }

  #within(x: Elements, from: number, end: number): boolean {
    return this.holds(x) && x.byteOffset >= from && x.byteOffset + x.byteLength <= end;
  }
}
