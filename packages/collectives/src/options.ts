import { z } from 'zod';
import { CollectivesError } from './errors.ts';

/** Options of `connect`, with their defaults. */
const schema = z.strictObject({
  /** `auto`: nothing at all for a group of one, else shared memory. */
  transport: z.enum(['auto', 'shared-memory']).default('auto'),
  /** The bound of every collective, and of finding each other at the start. */
  timeoutMs: z.number().positive().max(0x7fffffff).default(60_000),
  /** How often ranks say that they live. One that is silent for ten times as long is lost. */
  heartbeatMs: z.number().min(1).max(600_000).default(500),
  /** Where RANK, WORLD_SIZE and the other variables are read; see `rendezvous/environment.ts`. */
  environment: z
    .custom<NodeJS.ProcessEnv>((value) => typeof value === 'object' && value !== null, 'must be an object')
    .optional(),
});

export type ConnectOptions = z.input<typeof schema>;
export type CheckedOptions = z.output<typeof schema>;

/** @throws {CollectivesError} `bad-argument`, naming each option that is wrong or unknown. */
export function checkOptions(options: ConnectOptions): CheckedOptions {
  const checked = schema.safeParse(options);
  if (checked.success) return checked.data;
  const issues = checked.error.issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`));
  throw new CollectivesError('bad-argument', `connect: ${issues.join('; ')}.`);
}
