import { getBackend } from '@tensorflow/tfjs-core';
import { TensorError } from '../errors.ts';
import { nodeBackend } from '../tensorflow/backend.ts';
import type { MatrixEngine } from './matrix-engine.ts';
import { ReferenceEngine } from './reference/reference-engine.ts';
import { TfjsEngine } from './tfjs/tfjs-engine.ts';

/** How to make an engine of one kind. */
export interface EngineKind {
  /** `auto` takes the kind with the highest priority, as it stands at that moment; one below 0 only by name. */
  readonly priority: number | (() => number);
  /** @param lanes threads that share the work; the kind's own default where absent. */
  readonly create: (lanes?: number) => MatrixEngine;
}

const kinds = new Map<string, EngineKind>([
  ['reference', { priority: 0, create: () => new ReferenceEngine() }],
  ['tfjs', { priority: tfjsPriority, create: () => new TfjsEngine() }],
]);

/** Of an engine: `blas` has 10. */
const priorityOf = ({ priority }: EngineKind): number => (typeof priority === 'number' ? priority : priority());

/** On a GPU state stays where the model is; elsewhere tensors are better than plain loops, and not as good as a BLAS. */
function tfjsPriority(): number {
  const name = getBackend() as string | undefined;
  if (name === undefined) return -1;
  return runsOnGpu(name) ? 20 : 5;
}

const runsOnGpu = (name: string): boolean =>
  name === 'webgl' || name === 'webgpu' || (name === 'tensorflow' && nodeBackend()?.isUsingGpuDevice === true);

/** Offers a kind of engine under a name; a later registration of the same name replaces an earlier one. */
export function registerEngine(name: string, kind: EngineKind): void {
  kinds.set(name, kind);
}

/** @returns the names of the kinds that can be had, best first. */
export const engineNames = (): readonly string[] =>
  [...kinds]
    .map(([name, kind]) => ({ name, priority: priorityOf(kind) }))
    .filter(({ priority }) => priority >= 0)
    .sort((a, b) => b.priority - a.priority)
    .map(({ name }) => name);

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
