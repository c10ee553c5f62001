import { DistributedShampoo, type ShampooInput } from '@distributed-shampoo/optimizer';
import { createEngine, type MatrixEngine } from '@distributed-shampoo/tensor';
import { useBackend, useBlas } from '@distributed-shampoo/tensor/node';
import { type ModelName, models } from '@distributed-shampoo/trainer';
import { randomNormal, type Variable } from '@tensorflow/tfjs-core';

/** What is measured. */
export interface SubjectInputs {
  readonly model: ModelName;
  readonly lanes: number;
  /** Whether vectors are preconditioned too, or left to Adam. */
  readonly vectors: boolean;
  readonly options: ShampooInput;
}

/** Seconds of a step from gradients to variables, of the arithmetic within it, and of the refresh within that. */
export interface StepTimes {
  readonly seconds: number;
  readonly arithmetic: number;
  readonly refresh: number;
}

/** Shampoo grafted on Adam over a network's variables, with random gradients. */
export interface Subject {
  readonly engine: MatrixEngine;
  readonly optimizer: DistributedShampoo;
  readonly variables: readonly Variable[];
  readonly step: () => StepTimes;
}

const adam = { type: 'adam', beta2: 0.99, epsilon: 1e-8 } as const;

/** Makes backend, network and optimizer. */
export async function makeSubject({ model, lanes, vectors, options }: SubjectInputs): Promise<Subject> {
  await useBackend({ backend: 'tensorflow', threads: lanes });
  await useBlas();
  const { variables } = models[model].create({ classes: 1000, seed: 0 });
  const engine = createEngine('blas', lanes);
  const shampoo: ShampooInput = {
    learningRate: 1e-4,
    betas: [0.9, 0.95],
    epsilon: 1e-10,
    weightDecay: 5e-4,
    preconditioner: { type: 'root-inverse' },
    grafting: adam,
    ...(vectors ? {} : { groups: [{ parameters: 'vectors', options: { preconditioner: adam, grafting: null } }] }),
    ...options,
  };
  const optimizer = new DistributedShampoo(shampoo, { engine });
  optimizer.build(variables);
  let seed = 0;
  const step = () => {
    // New ones every step, or factors would be of low rank.
    const gradients = variables.map(({ name, shape }) => ({ name, gradient: randomNormal(shape, 0, 1, 'float32', ++seed) }));
    const start = performance.now();
    for (const { name, gradient } of gradients) {
      optimizer.writeGradient(name, gradient);
      gradient.dispose();
    }
    const { arithmeticMs, refreshMs } = optimizer.step();
    return { seconds: (performance.now() - start) / 1000, arithmetic: arithmeticMs / 1000, refresh: refreshMs / 1000 };
  };
  return { engine, optimizer, variables, step };
}
