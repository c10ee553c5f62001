import type { ShampooInput } from '@distributed-shampoo/optimizer';

/** What a preset may know about the run. */
export interface PresetInputs {
  readonly steps: number;
  /** Most steps between two roots of a block. */
  readonly rootsEvery: number;
}

/** Options of an optimizer, and the weight decay that goes with them. Learning rates are the models': see `models/table.ts`. */
export interface OptimizerPreset {
  readonly summary: string;
  readonly weightDecay: number;
  readonly options: (inputs: PresetInputs) => ShampooInput;
}

const adam = { type: 'adam', beta2: 0.99, epsilon: 1e-8 } as const;
/** Biases and the scales of batch norm: half of all factor memory, and nothing gained by preconditioning them. */
const vectorsByAdam = { parameters: 'vectors', options: { preconditioner: adam, grafting: null, weightDecay: 0 } } as const;

/** At least eight rounds of roots in a run, and no more often than every 10 steps, as far as the model allows. */
const refreshEvery = ({ steps, rootsEvery }: PresetInputs): number => Math.min(rootsEvery, Math.max(10, Math.round(steps / 8)));

/** A method with Kronecker factors: what all of them share, and what is its own. */
const factored =
  (own: ShampooInput) =>
  (inputs: PresetInputs): ShampooInput => ({
    betas: [0.9, 0.95],
    epsilon: 1e-10,
    preconditionFrequency: refreshEvery(inputs),
    refresh: 'staggered',
    groups: [vectorsByAdam],
    ...own,
  });

/** Optimizers by name, all of them forms of `DistributedShampoo`. */
export const optimizerPresets = {
  shampoo: {
    summary: 'Shampoo grafted on Adam; vectors by Adam alone',
    weightDecay: 5e-4,
    options: factored({ preconditioner: { type: 'root-inverse' }, grafting: adam }),
  },
  soap: {
    summary: "Adam in the eigenbasis of Shampoo's factors; vectors by Adam alone",
    weightDecay: 5e-4,
    options: factored({ betas: [0.95, 0.95], epsilon: 1e-8, preconditioner: { type: 'eigenvalue-corrected', method: 'eigh' } }),
  },
  'kl-shampoo': {
    summary: 'Shampoo whose factors are estimated from what the others leave, grafted on Adam; vectors by Adam alone',
    weightDecay: 5e-4,
    options: factored({ preconditioner: { type: 'kl-root-inverse' }, grafting: adam }),
  },
  muon: {
    summary: 'spectral descent: orthogonalised momentum of whole matrices; vectors by Adam',
    weightDecay: 5e-4,
    options: () => ({
      betas: [0.95, 1],
      useBiasCorrection: false,
      maxPreconditionerDim: 'infinity',
      targetParameterDimensionality: 2,
      preconditioner: { type: 'spectral-descent', scaleByDims: 'sqrt-outputs-over-inputs' },
      groups: [vectorsByAdam],
    }),
  },
  adamw: {
    summary: 'Adam with decoupled weight decay',
    weightDecay: 5e-4,
    options: () => ({
      betas: [0.9, 1],
      preconditioner: adam,
      groups: [{ parameters: 'vectors', options: { weightDecay: 0 } }],
    }),
  },
  sgd: {
    summary: 'stochastic gradient descent with Nesterov momentum 0.9',
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

/** What a run says about its optimizer; null where the preset decides. */
export interface OptimizerChoice {
  readonly optimizer: OptimizerName;
  readonly learningRate: number;
  readonly weightDecay: number | null;
  readonly optimizerOptions: Readonly<Record<string, unknown>>;
  readonly rootsEvery: number;
}

/** The preset's options, under what the run says. */
export function optimizerInput(
  { optimizer, learningRate, weightDecay, optimizerOptions, rootsEvery }: OptimizerChoice,
  steps: number,
): ShampooInput {
  const preset = optimizerPresets[optimizer];
  return {
    ...preset.options({ steps, rootsEvery }),
    learningRate,
    weightDecay: weightDecay ?? preset.weightDecay,
    ...optimizerOptions,
  } as ShampooInput;
}
