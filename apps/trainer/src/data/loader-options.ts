import { z } from 'zod';
import { DataError } from './errors.ts';
import { imagenetNormalisation } from './normalisation.ts';

const range = (lowest: number, highest: number) =>
  z
    .tuple([z.number().gt(lowest), z.number().max(highest)])
    .refine(([low, high]) => low <= high, 'the first must not exceed the second')
    .readonly();
const triple = z.tuple([z.number(), z.number(), z.number()]).readonly();
const positiveTriple = z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]).readonly();

const shared = {
  /** Side of the square images in pixels. */
  imageSize: z.int().min(1).max(4096),
  /** Images in a batch of one rank. */
  batchSize: z.int().min(1),
  /** This process's place among those that share the data set, and their number. */
  rank: z.int().min(0).default(0),
  size: z.int().min(1).default(1),
  /** What is done to the values; on the scale 0 to 1. */
  normalisation: z.strictObject({ mean: triple, std: positiveTriple }).default(imagenetNormalisation),
  /** Batches made ahead of the one that is used. */
  prefetch: z.int().min(1).max(64).default(3),
  /** Images decoded at the same time. Each takes a core while it lasts; Node.js has four threads for it (UV_THREADPOOL_SIZE). */
  decoders: z.int().min(1).max(128).default(2),
};

const trainingSchema = z.strictObject({
  ...shared,
  /** Order and augmentation follow from it. */
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1),
  /** The step of the first batch; a run that resumes names the step it is at. */
  firstStep: z.int().min(0).default(0),
  augmentation: z
    .strictObject({
      /** Share of the area a crop shows. */
      scale: range(0, 1).default([0.08, 1]),
      /** Width over height of a crop. */
      ratio: range(0, 100).default([3 / 4, 4 / 3]),
      /** Probability of mirroring left to right. */
      mirror: z.number().min(0).max(1).default(0.5),
    })
    .prefault({}),
  /** Memory for decoded images that are kept for the next epoch. */
  pixelBudgetBytes: z
    .number()
    .min(0)
    .default(512 * 2 ** 20),
});

const evaluationSchema = z.strictObject(shared);

/** How training batches are made; what has a default may be left out. */
export type TrainingOptions = z.input<typeof trainingSchema>;
/** How evaluation batches are made; what has a default may be left out. */
export type EvaluationOptions = z.input<typeof evaluationSchema>;
/** Training options, checked and complete. */
export type TrainingPlan = z.output<typeof trainingSchema> & { readonly task: 'training' };
/** Evaluation options, checked and complete. */
export type EvaluationPlan = z.output<typeof evaluationSchema> & { readonly task: 'evaluation' };

/** @throws {DataError} `bad-option`, naming every option that is off. */
export const trainingPlan = (options: TrainingOptions): TrainingPlan => ({
  ...checked(trainingSchema, options),
  task: 'training',
});

/** @throws {DataError} `bad-option`, naming every option that is off. */
export const evaluationPlan = (options: EvaluationOptions): EvaluationPlan => ({
  ...checked(evaluationSchema, options),
  task: 'evaluation',
});

function checked<Schema extends z.ZodType<{ rank: number; size: number }>>(
  schema: Schema,
  options: z.input<Schema>,
): z.output<Schema> {
  const parsed = schema.safeParse(options);
  if (!parsed.success) {
    const issues = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'options'}: ${issue.message}`);
    throw new DataError('bad-option', `loader: ${issues.join('; ')}.`, { issues });
  }
  const { rank, size } = parsed.data;
  if (rank >= size) {
    throw new DataError(
      'bad-option',
      `loader: rank: expected less than size, which is ${size}, got ${rank}; ranks count from 0.`,
      { rank, size },
    );
  }
  return parsed.data;
}
