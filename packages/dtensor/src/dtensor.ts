import { DTensorError } from './errors.ts';
import { type DeviceMesh, onlyAxis } from './mesh.ts';
import type { Placement } from './placement.ts';
import { type Redistribute, redistribution } from './redistribute.ts';

/** Where a redistribution may write. */
export interface RedistributeOptions {
  /** Memory of the result, of its local length; fresh memory where absent. In registered memory nothing is copied. */
  readonly into?: Float32Array;
}

/**
 * A flat float32 buffer of `length` elements that belongs to all ranks of a mesh; `local` is this rank's part, as the placement says.
 */
export class DTensor {
  readonly mesh: DeviceMesh;
  readonly placement: Placement;
  readonly local: Float32Array;
  readonly length: number;

  /** @throws {DTensorError} `bad-placement` where the local part, the counts and the mesh do not fit together. */
  constructor(mesh: DeviceMesh, placement: Placement, local: Float32Array) {
    const { size, coordinate } = onlyAxis(mesh);
    if (placement.type === 'shard') {
      const { counts } = placement;
      if (counts.length !== size)
        throw new DTensorError('bad-placement', `DTensor: ${counts.length} counts for a mesh of ${size} ranks.`);
      if (local.length !== counts[coordinate]) {
        throw new DTensorError(
          'bad-placement',
          `DTensor: rank ${coordinate} has ${local.length} elements, counts[${coordinate}] says ${counts[coordinate]}.`,
        );
      }
    }
    this.mesh = mesh;
    this.placement = placement;
    this.local = local;
    this.length = placement.type === 'shard' ? placement.counts.reduce((sum, count) => sum + count, 0) : local.length;
  }

  /** Moves to another placement; the main thread waits. @throws {DTensorError} `unsupported-redistribution`. */
  redistributeSync(placement: Placement, { into }: RedistributeOptions = {}): DTensor {
    const { run, local } = this.#prepare(placement, into);
    run.sync();
    return new DTensor(this.mesh, placement, local);
  }

  /** Moves to another placement. @throws {DTensorError} `unsupported-redistribution`. */
  async redistribute(placement: Placement, { into }: RedistributeOptions = {}): Promise<DTensor> {
    const { run, local } = this.#prepare(placement, into);
    await run.async();
    return new DTensor(this.mesh, placement, local);
  }

  #prepare(placement: Placement, into: Float32Array | undefined): { readonly run: Redistribute; readonly local: Float32Array } {
    const { coordinate } = onlyAxis(this.mesh);
    const length = placement.type === 'shard' ? placement.counts[coordinate] : this.length;
    const local = into ?? new Float32Array(length ?? 0);
    if (local.length !== length) {
      throw new DTensorError('bad-placement', `redistribute: 'into' has ${local.length} elements, the result has ${length}.`);
    }
    return { run: redistribution(this, placement, local), local };
  }
}
