import type { ProcessGroup } from '@distributed-shampoo/collectives';
import { DTensorError } from './errors.ts';

/** One axis of a mesh: the ranks along it, and where this one stands. */
export interface MeshAxis {
  readonly name: string;
  readonly size: number;
  readonly coordinate: number;
  /** How the ranks of the axis talk; null where this rank is alone on it. */
  readonly group: ProcessGroup | null;
}

/** Ranks as a grid with named axes. A placement says what happens along each. */
export interface DeviceMesh {
  readonly axes: readonly MeshAxis[];
}

/**
 * A mesh of one axis over a process group, or over this process alone.
 *
 * @param group null: a mesh of one rank; nothing is ever sent.
 * @throws {DTensorError} `bad-mesh` for an empty name.
 */
export function deviceMesh(group: ProcessGroup | null, name = 'data'): DeviceMesh {
  if (name === '') throw new DTensorError('bad-mesh', 'deviceMesh: an axis needs a name.');
  const axis = { name, size: group?.size ?? 1, coordinate: group?.rank ?? 0, group: group?.size === 1 ? null : group };
  return Object.freeze({ axes: Object.freeze([Object.freeze(axis)]) });
}

/** The only axis of a mesh of one. @throws {DTensorError} `bad-mesh` for a mesh of several: name the axis instead. */
export function onlyAxis({ axes }: DeviceMesh): MeshAxis {
  const [axis] = axes;
  if (axes.length !== 1 || axis === undefined) {
    throw new DTensorError(
      'bad-mesh',
      `expected a mesh of one axis, got ${axes.length}: ${axes.map(({ name }) => name).join(', ')}.`,
    );
  }
  return axis;
}
