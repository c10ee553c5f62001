import type { ShampooInput } from '@distributed-shampoo/optimizer';

/** What a preset may know about the run. */
export interface PresetInputs {
  readonly steps: number;
}

/** Options of an optimizer, and the learning rate and weight decay that go with them. */
export interface OptimizerPreset {
  readonly summary: string;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly options: (inputs: PresetInputs) => ShampooInput;
}

const adam = { type: 'adam', beta2: 0.99, epsilon: 1e-8 } as const;

/**
 * Roots are taken often enough to have several rounds in a short run, and at most every 50 steps: below that, quality gains nothing (the
 * reference's examples use 50 to 100).
 */
export const refreshEvery = (steps: number): number => Math.min(50, Math.max(5, Math.round(steps / 20)));

/** Optimizers by name, all of them forms of `DistributedShampoo`. */
export const optimizerPresets = {
  shampoo: {
    summary: 'Shampoo grafted on Adam; vectors by Adam alone',
    learningRate: 2e-3,
    weightDecay: 5e-4,
    options: ({ steps }) => ({
      betas: [0.9, 0.95],
      epsilon: 1e-10,
      preconditionFrequency: refreshEvery(steps),
      refresh: 'staggered',
      preconditioner: { type: 'root-inverse' },
      grafting: adam,
      // Biases and the scales of batch norm: half of all factor memory, and nothing gained by preconditioning them.
      groups: [{ parameters: 'vectors', options: { preconditioner: adam, grafting: null, weightDecay: 0 } }],
    }),
  },
  adamw: {
    summary: 'Adam with decoupled weight decay',
    learningRate: 2e-3,
    weightDecay: 5e-4,
    options: () => ({
      betas: [0.9, 1],
      preconditioner: adam,
      groups: [{ parameters: 'vectors', options: { weightDecay: 0 } }],
    }),
  },
  sgd: {
    summary: 'stochastic gradient descent with Nesterov momentum 0.9',
    learningRate: 0.1,
    weightDecay: 5e-4,
    options: () => ({
      betas: [0, 1],
      preconditioner: { type: 'sgd' },
      iterateAveraging: { type: 'momentum', momentum: 0.9, nesterov: true },
      groups: [{ parameters: 'vectors', options: { weightDecay: 0 } }],
    }),
  },
} as const satisfies Record<string, OptimizerPreset>;

/** Names that `--optimizer` takes. */
export type OptimizerName = keyof typeof optimizerPresets;
