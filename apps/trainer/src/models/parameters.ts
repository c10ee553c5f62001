import { fill, randomNormal, tidy, type Variable, variable } from '@tensorflow/tfjs-core';
import type { RunningStatistics } from '../merge-statistics.ts';

/** Makes a network's variables, in the order in which they are asked for, with stable names and values that follow from a seed. */
export class Parameters {
  readonly variables: Variable[] = [];
  readonly statistics: RunningStatistics[] = [];
  #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** A convolution's filter `[height, width, in, out]`: normal, variance 2 / (height width out), so that gradients keep their size. */
  filter(name: string, shape: readonly [number, number, number, number]): Variable {
    const [height, width, , out] = shape;
    return this.#normal(name, shape, Math.sqrt(2 / (height * width * out)));
  }

  /** A dense layer's kernel `[in, out]`: normal, small, so that the first logits are near 0. */
  kernel(name: string, shape: readonly [number, number]): Variable {
    return this.#normal(name, shape, 0.01);
  }

  /** `[length]`, all of one value. */
  constant(name: string, length: number, value: number): Variable {
    const made = tidy(() => variable(fill([length], value), true, name));
    this.variables.push(made);
    return made;
  }

  /** Mean 0 and variance 1, `[length]` each. */
  runningStatistics(name: string, length: number): RunningStatistics {
    const made = tidy(() => ({
      mean: variable(fill([length], 0), false, `${name}.mean`),
      variance: variable(fill([length], 1), false, `${name}.variance`),
    }));
    this.statistics.push(made);
    return made;
  }

  dispose(): void {
    for (const one of this.variables) one.dispose();
    for (const { mean, variance } of this.statistics) {
      mean.dispose();
      variance.dispose();
    }
  }

  #normal(name: string, shape: readonly number[], deviation: number): Variable {
    // A seed of 0 would mean none.
    this.#seed += 1;
    const made = tidy(() => variable(randomNormal([...shape], 0, deviation, 'float32', this.#seed), true, name));
    this.variables.push(made);
    return made;
  }
}
