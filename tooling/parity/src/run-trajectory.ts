import { DistributedShampoo } from '@distributed-shampoo/optimizer';
import { type Tensor, tensor, tidy, type Variable, variable } from '@tensorflow/tfjs-core';
import { completeOptions } from './complete-options.ts';
import type { Trajectory } from './golden.ts';

/** The worst of a trajectory: where the optimizer is furthest from the reference, relative to how far the parameter ever moves. */
export interface TrajectoryResult {
  readonly error: number;
  readonly bound: number;
  /** What was worst: step, parameter, element, both values. */
  readonly where: string;
}

/** Five times this is what float32 alone may cost; the bound is never below 1e-5. */
const ERROR_FACTOR = 4;
const LEAST_BOUND = 1e-5;

/**
 * Runs a golden trajectory on a matrix engine and measures it as `golden/README.md` says: per parameter and step,
 * `|actual - expected| / move`, `move` the furthest that the expected parameter ever gets from its start.
 *
 * @throws {OptimizerError} `bad-option` where the options are not supported.
 */
export function runTrajectory(golden: Trajectory, engine: string): TrajectoryResult {
  const options = completeOptions(golden.options);
  const optimizer = new DistributedShampoo(options, { engine, lanes: 1 });
  const variables = golden.parameters.map(({ name, shape, values }) =>
    tidy(() => variable(tensor([...values], [...shape]), true, `${golden.name}/${name}`)),
  );
  try {
    optimizer.build(variables);
    const worst = new Worst(golden);
    for (const [step, gradients] of golden.gradients.entries()) {
      optimizer.learningRate = golden.learningRates[step] as number;
      writeGradients(optimizer, variables, gradients);
      optimizer.step();
      worst.compare(`step ${step + 1}`, variables, golden.expected[step] ?? []);
    }
    if (golden.expectedEval !== null) {
      optimizer.eval();
      worst.compare('evaluation', variables, golden.expectedEval);
    }
    return { error: worst.error, where: worst.where, bound: Math.max(ERROR_FACTOR * golden.float32Error, LEAST_BOUND) };
  } finally {
    optimizer.dispose();
    for (const one of variables) one.dispose();
  }
}

function writeGradients(
  optimizer: DistributedShampoo,
  variables: readonly Variable[],
  gradients: readonly (readonly number[] | null)[],
): void {
  for (const [index, values] of gradients.entries()) {
    const { name, shape } = variables[index] as Variable;
    if (values === null) continue;
    const gradient: Tensor = tensor([...values], shape);
    optimizer.writeGradient(name, gradient);
    gradient.dispose();
  }
}

class Worst {
  error = 0;
  where = 'nowhere';
  readonly #golden: Trajectory;
  readonly #moves: readonly number[];

  constructor(golden: Trajectory) {
    this.#golden = golden;
    this.#moves = golden.parameters.map(({ values }, index) =>
      Math.max(...golden.expected.map((step) => distance(step[index] as number[], values))),
    );
  }

  compare(when: string, variables: readonly Variable[], expected: readonly (readonly number[])[]): void {
    for (const [index, values] of expected.entries()) {
      const actual = (variables[index] as Variable).dataSync<'float32'>();
      const apart = distance(actual, values);
      // A parameter that never moves must stay exactly where it is.
      const error = apart === 0 ? 0 : apart / (this.#moves[index] as number);
      if (error <= this.error) continue;
      this.error = error;
      const element = values.reduce(
        (most, value, i) => (gap(actual, i, value) > gap(actual, most, values[most] as number) ? i : most),
        0,
      );
      this.where = `${when}, ${this.#golden.parameters[index]?.name}, element ${element}: ${actual[element]}, expected ${values[element]}`;
    }
  }
}

const gap = (actual: ArrayLike<number>, i: number, expected: number): number => Math.abs((actual[i] as number) - expected);

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < b.length; i++) sum += ((a[i] as number) - (b[i] as number)) ** 2;
  // NaN must fail, not vanish in a comparison.
  return Number.isNaN(sum) ? Infinity : Math.sqrt(sum);
}
