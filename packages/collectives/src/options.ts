import { z } from 'zod';
import { CollectivesError } from './errors.ts';
import { type TransportName, transportNames } from './transports/names.ts';

/** Options of `connect`. */
export interface ConnectOptions {
  /**
   * `auto`, the default: nothing at all for a group of one, shared memory where all ranks are on one host, else WebSocket. The same on all ranks.
   * `COLLECTIVES_TRANSPORT` says it where this doesn't.
   */
  readonly transport?: 'auto' | TransportName;
  /** The bound of every collective, and of finding each other at the start. Default 60 000. */
  readonly timeoutMs?: number;
  /** How often ranks say that they live; one that is silent for ten times as long is lost. Default 500. */
  readonly heartbeatMs?: number;
  /** Where RANK, WORLD_SIZE and the other variables are read; see `rendezvous/environment.ts`. Default `process.env`. */
  readonly environment?: NodeJS.ProcessEnv;
}

const isObject = (value: unknown) => typeof value === 'object' && value !== null;
const LONGEST_TIMER_MS = 0x7fffffff;

const schema = z.strictObject({
  transport: z.enum(['auto', ...transportNames]).default('auto'),
  timeoutMs: z.number().positive().max(LONGEST_TIMER_MS).default(60_000),
  heartbeatMs: z.number().min(1).max(600_000).default(500),
  environment: z.custom<NodeJS.ProcessEnv>(isObject, 'must be an object').default(() => process.env),
});

/** Options with their defaults. */
export type CheckedOptions = z.output<typeof schema>;

/** @throws {CollectivesError} `bad-argument`, naming each option that is wrong or unknown. */
export function checkOptions(options: ConnectOptions): CheckedOptions {
  const checked = schema.safeParse(options);
  if (checked.success) return checked.data;
  const issues = checked.error.issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`));
  throw new CollectivesError('bad-argument', `connect: ${issues.join('; ')}.`);
}
