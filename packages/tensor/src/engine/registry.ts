import { TensorError } from '../errors.ts';
import type { MatrixEngine } from './matrix-engine.ts';
import { ReferenceEngine } from './reference/reference-engine.ts';

/** How to make an engine of one kind. */
export interface EngineKind {
  /** `auto` takes the kind with the highest priority. */
  readonly priority: number;
  /** @param lanes threads that share the work; the kind's own default where absent. */
  readonly create: (lanes?: number) => MatrixEngine;
}

const kinds = new Map<string, EngineKind>([['reference', { priority: 0, create: () => new ReferenceEngine() }]]);

/** Offers a kind of engine under a name; a later registration of the same name replaces an earlier one. */
export function registerEngine(name: string, kind: EngineKind): void {
  kinds.set(name, kind);
}

/** @returns the names of the kinds that can be had, best first. */
export const engineNames = (): readonly string[] =>
  [...kinds].sort(([, a], [, b]) => b.priority - a.priority).map(([name]) => name);

/**
 * @returns a new engine of a kind, its layout open.
 * @throws {TensorError} `engine-not-found` for a kind that was not registered; `blas` is after `prepareBlas()`.
 */
export function createEngine(name: string = 'auto', lanes?: number): MatrixEngine {
  const chosen = name === 'auto' ? engineNames()[0] : name;
  const kind = chosen === undefined ? undefined : kinds.get(chosen);
  if (kind === undefined) {
    throw new TensorError(
      'engine-not-found',
      `createEngine: there is no engine "${name}", only ${engineNames().join(', ')}. "blas" is there after prepareBlas().`,
      {
        name,
      },
    );
  }
  return kind.create(lanes);
}
