import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const numbers = z.array(z.number());

/** One optimizer run of the reference: see `golden/README.md`. */
const trajectory = z.object({
  name: z.string(),
  options: z.record(z.string(), z.unknown()),
  parameters: z.array(z.object({ name: z.string(), shape: numbers, values: numbers })),
  learningRates: numbers,
  gradients: z.array(z.array(numbers.nullable())),
  expected: z.array(z.array(numbers)),
  expectedEval: z.array(numbers).nullable(),
  float32Error: z.number(),
});

const extended = z.union([z.number(), z.literal('infinity').transform(() => Infinity)]);

const partition = z.object({
  maxPreconditionerDim: extended,
  targetParameterDimensionality: extended,
  groupSize: z.number(),
  cost: z.union([
    z.object({ type: z.literal('memory') }),
    z.object({ type: z.literal('polynomial'), coefficients: numbers, minimum: z.number() }),
  ]),
  parameters: z.array(z.object({ shape: numbers, merged: numbers, blocks: z.array(numbers) })),
  assignment: z.array(z.object({ alignedBytes: z.number(), rank: z.number() })),
});

export type Trajectory = z.output<typeof trajectory>;
export type PartitionCase = z.output<typeof partition>;

/** Everything that judges. */
export interface Golden {
  readonly folder: string;
  readonly trajectories: readonly Trajectory[];
  readonly partitions: readonly PartitionCase[];
}

/** The folder that `SHAMPOO_GOLDEN_DIR` names, else the repository's own. */
export const goldenFolder = (): string =>
  process.env['SHAMPOO_GOLDEN_DIR'] ?? fileURLToPath(new URL('../../../golden', import.meta.url));

/**
 * Reads a golden folder: every file of `trajectories/`, and `partition.json`.
 *
 * @throws Error where the folder or a part of it is missing or empty, or a file is no golden file: nothing to judge is a failure.
 */
export function readGolden(folder: string = goldenFolder()): Golden {
  const names = existsSync(`${folder}/trajectories`)
    ? readdirSync(`${folder}/trajectories`)
        .filter((name) => name.endsWith('.json'))
        .sort()
    : [];
  if (names.length === 0)
    throw new Error(`${folder}: no trajectories. SHAMPOO_GOLDEN_DIR must name a folder like the repository's golden/.`);
  const trajectories = names.map((name) => parse(trajectory, `${folder}/trajectories/${name}`));
  const { cases } = parse(z.object({ cases: z.array(partition).min(1) }), `${folder}/partition.json`);
  return { folder, trajectories, partitions: cases };
}

function parse<T extends z.ZodType>(schema: T, file: string): z.output<T> {
  const result = schema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (result.success) return result.data;
  throw new Error(`${file}: ${result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`);
}
