import { type DeviceMesh, onlyAxis } from './mesh.ts';

/** What to lay out in one memory. */
export interface RegionSizes {
  /** Elements of the buffer that each rank has of its own and that ranks add up. */
  readonly partial: number;
  /** Elements of the buffer that is the same on all ranks. */
  readonly replicate: number;
  /** Bytes that only this process sees. */
  readonly privateBytes: number;
}

/** One WebAssembly memory that collectives, matrix engine and tensors work on, so that nothing is copied between them. */
export interface Regions {
  readonly memory: WebAssembly.Memory;
  /** Byte offsets in the memory. */
  readonly partialOffset: number;
  readonly replicateOffset: number;
  readonly privateOffset: number;
  readonly partial: Float32Array;
  readonly replicate: Float32Array;
}

const PAGE_BYTES = 65536;
const pages = (bytes: number) => Math.ceil(bytes / PAGE_BYTES);

/**
 * Allocates the regions; collective where the mesh has more ranks than one.
 *
 * @throws RangeError where the sizes do not fit WebAssembly's 4 GiB; whatever the group's `allocate` throws.
 */
export function allocateRegions(mesh: DeviceMesh, sizes: RegionSizes): Regions {
  const { group, coordinate } = onlyAxis(mesh);
  const [peerBytes, groupBytes] = [4 * sizes.partial, 4 * sizes.replicate];
  if (group === null) {
    const replicateOffset = pages(peerBytes) * PAGE_BYTES;
    const privateOffset = replicateOffset + pages(groupBytes) * PAGE_BYTES;
    const total = pages(privateOffset + sizes.privateBytes);
    const memory = new WebAssembly.Memory({ initial: total, maximum: total, shared: true });
    return views(memory, { partialOffset: 0, replicateOffset, privateOffset }, sizes);
  }
  const shared = group.allocate({ peerBytes, groupBytes, privateBytes: sizes.privateBytes });
  const offsets = {
    partialOffset: shared.peerOffset(coordinate),
    replicateOffset: shared.groupOffset,
    privateOffset: shared.privateOffset,
  };
  return views(shared.memory, offsets, sizes);
}

function views(
  memory: WebAssembly.Memory,
  offsets: Omit<Regions, 'memory' | 'partial' | 'replicate'>,
  sizes: RegionSizes,
): Regions {
  return {
    memory,
    ...offsets,
    partial: new Float32Array(memory.buffer, offsets.partialOffset, sizes.partial),
    replicate: new Float32Array(memory.buffer, offsets.replicateOffset, sizes.replicate),
  };
}
