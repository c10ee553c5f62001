import type { Optimizer, Tensor } from '@tensorflow/tfjs-core';
import { OptimizerError } from './errors.ts';

/** A tensor and its name, as TensorFlow.js's optimizers save them. */
export type NamedTensor = Awaited<ReturnType<Optimizer['getWeights']>>[number];

/** Saved state while it is read: entries are taken by name, in any order, and none may be left over. */
export class SavedEntries {
  readonly #left: Map<string, Tensor>;

  constructor(weights: readonly NamedTensor[]) {
    this.#left = new Map(weights.map(({ name, tensor }) => [name, tensor]));
  }

  has(name: string): boolean {
    return this.#left.has(name);
  }

  /** @throws {OptimizerError} `checkpoint-mismatch` where it is missing or of another shape. */
  take(name: string, shape: readonly number[]): Tensor {
    const tensor = this.#left.get(name);
    if (tensor === undefined) throw mismatch(name, 'has no entry', 'It is of other variables or other options');
    if (String(tensor.shape) !== String(shape))
      throw mismatch(name, `has shape [${tensor.shape}], expected [${shape}], for`, 'It is of other variables or other options');
    this.#left.delete(name);
    return tensor;
  }

  /** The numbers of a small entry. @throws {OptimizerError} as `take`. */
  async numbers(name: string, shape: readonly number[]): Promise<number[]> {
    return Array.from(await this.take(name, shape).data<'float32'>());
  }

  /** Passes over what belongs to somebody else. */
  skip(belongs: (name: string) => boolean): void {
    for (const name of this.#left.keys()) if (belongs(name)) this.#left.delete(name);
  }

  /** @throws {OptimizerError} `checkpoint-mismatch` for an entry that nobody took. */
  mustBeEmpty(): void {
    const [superfluous] = this.#left.keys();
    if (superfluous !== undefined)
      throw mismatch(superfluous, 'has an unknown entry', 'It is of other variables or other options');
  }
}

const mismatch = (name: string, what: string, cause: string) =>
  new OptimizerError('checkpoint-mismatch', `setWeights: the saved state ${what} "${name}". ${cause}; nothing was changed.`, {
    name,
  });
