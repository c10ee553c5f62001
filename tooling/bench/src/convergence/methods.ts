import type { OptimizerName } from '@distributed-shampoo/trainer';

/** One curve of the plot: a preset of the trainer, what is changed in it, and the learning rates to choose from. */
export interface Method {
  readonly summary: string;
  readonly optimizer: OptimizerName;
  /** Over the preset's options. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly learningRates: readonly number[];
}

/** Methods by name: a new one is a line here. One that the optimizer refuses is named as absent, with its reason. */
export const methods: Readonly<Record<string, Method>> = {
  sgd: { summary: 'Nesterov momentum 0.9', optimizer: 'sgd', options: {}, learningRates: [0.1, 0.2, 0.5] },
  adamw: { summary: 'AdamW', optimizer: 'adamw', options: {}, learningRates: [0.003, 0.01, 0.03] },
  shampoo: {
    summary: 'Shampoo grafted on Adam, vectors by Adam alone',
    optimizer: 'shampoo',
    options: {},
    learningRates: [0.01, 0.02, 0.04],
  },
  soap: {
    summary: 'SOAP: Adam in the eigenbasis of the factors',
    optimizer: 'soap',
    options: {},
    learningRates: [0.02, 0.03, 0.06],
  },
  'soap-reference': {
    summary: 'SOAP whose second moments stay where they are when the basis turns, as in the reference',
    optimizer: 'soap',
    options: { compatibility: 'reference' },
    learningRates: [0.02, 0.03, 0.06],
  },
  'shampoo-vectors': {
    summary: 'Shampoo grafted on Adam, vectors preconditioned too',
    optimizer: 'shampoo',
    options: { groups: [] },
    learningRates: [0.01, 0.02, 0.04],
  },
  'kl-shampoo': {
    summary: 'KL-Shampoo grafted on Adam',
    optimizer: 'kl-shampoo',
    options: {},
    learningRates: [0.01, 0.02, 0.04],
  },
  muon: {
    summary: 'spectral descent by Newton-Schulz, vectors by Adam',
    optimizer: 'muon',
    options: {},
    learningRates: [0.01, 0.02, 0.04],
  },
};

/** What is compared unless methods are named. */
export const defaultMethods: readonly string[] = ['sgd', 'adamw', 'shampoo', 'soap'];

/** What the others are measured by. */
export const BASELINE = 'adamw';
