import { z } from 'zod';
import { CollectivesError } from '../errors.ts';
import { MOST_RANKS } from '../memory/layout.ts';
import { type MemoryKind, memoryKinds } from '../memory/medium.ts';
import { type Origin, origins } from '../memory/shared-file.ts';
import { type TransportName, transportNames } from '../transports/names.ts';

/** Who this process is in its group, and where the group meets. */
export interface Place {
  readonly rank: number;
  readonly size: number;
  readonly localRank: number;
  readonly localSize: number;
  /** Where rank 0 serves and the others call. */
  readonly host: string;
  readonly port: number;
  /** Ranks of another run, or of an earlier start of this one, are refused. */
  readonly runId: string;
  readonly epoch: number;
  /** What members prove to know; empty where none was set. */
  readonly token: string;
  /** The one kind of shared memory to use, and where its bytes are to live; for tests and for finding faults. */
  readonly memory?: MemoryKind;
  readonly origin?: Origin;
  /** The transport, where the environment names one. */
  readonly transport?: TransportName;
  /** The address of this host at which the other ranks reach it. */
  readonly ownHost?: string;
}

const whole = (least: number, most: number) =>
  z.string().regex(/^\d+$/, 'must be a whole number').transform(Number).pipe(z.number().min(least).max(most)).optional();

const schema = z.object({
  RANK: whole(0, MOST_RANKS - 1),
  WORLD_SIZE: whole(1, MOST_RANKS),
  LOCAL_RANK: whole(0, MOST_RANKS - 1),
  LOCAL_WORLD_SIZE: whole(1, MOST_RANKS),
  MASTER_ADDR: z.string().min(1).optional(),
  MASTER_PORT: whole(1, 65535),
  TORCHELASTIC_RUN_ID: z.string().max(256).optional(),
  TORCHELASTIC_RESTART_COUNT: whole(0, 0xffffffff),
  TORCHELASTIC_USE_AGENT_STORE: z.string().optional(),
  COLLECTIVES_PORT: whole(1, 65535),
  COLLECTIVES_TOKEN: z.string().optional(),
  COLLECTIVES_MEMORY: z.enum(memoryKinds).optional(),
  COLLECTIVES_ORIGIN: z.enum(origins).optional(),
  COLLECTIVES_TRANSPORT: z.enum(['auto', ...transportNames]).optional(),
  COLLECTIVES_HOST: z.string().min(1).optional(),
});

type Variables = z.output<typeof schema>;

const LOOPBACK = '127.0.0.1';
const isLoopback = (host: string) => host === '::1' || /^127(\.\d+){3}$/.test(host);

const bad = (sentence: string): never => {
  throw new CollectivesError('bad-argument', `connect: ${sentence}`);
};

/**
 * The variables of torchrun, and ours. No WORLD_SIZE is a group of one.
 *
 * The meeting point is MASTER_ADDR:MASTER_PORT, but loopback where all ranks are on this host (LOCAL_WORLD_SIZE says so). Where
 * torchrun's agent holds MASTER_PORT itself (TORCHELASTIC_USE_AGENT_STORE=True) it is COLLECTIVES_PORT, by default MASTER_PORT + 1.
 *
 * @throws {CollectivesError} `bad-argument` for variables that are missing, wrong or contradict each other; `unauthorized` for
 *         an address other than loopback without COLLECTIVES_TOKEN.
 */
export function readPlace(environment: NodeJS.ProcessEnv): Place {
  // An empty variable is one that is not set: shells cannot always tell.
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = schema.safeParse(set);
  if (!parsed.success) {
    const wrong = parsed.error.issues.map(({ path, message }) => `${path.join('.')}=${set[String(path[0])] ?? ''}: ${message}`);
    return bad(`environment: ${wrong.join('; ')}.`);
  }
  const v = parsed.data;
  const common = {
    runId: v.TORCHELASTIC_RUN_ID ?? '',
    epoch: v.TORCHELASTIC_RESTART_COUNT ?? 0,
    token: v.COLLECTIVES_TOKEN ?? '',
    memory: v.COLLECTIVES_MEMORY,
    origin: v.COLLECTIVES_ORIGIN,
    transport: v.COLLECTIVES_TRANSPORT === 'auto' ? undefined : v.COLLECTIVES_TRANSPORT,
    ownHost: v.COLLECTIVES_HOST,
  };
  if (v.WORLD_SIZE === undefined || v.WORLD_SIZE === 1) {
    if ((v.RANK ?? 0) !== 0) bad(`RANK is ${v.RANK}, but WORLD_SIZE is ${v.WORLD_SIZE ?? 'not set'}. A launcher sets both.`);
    return { ...common, rank: 0, size: 1, localRank: 0, localSize: 1, host: LOOPBACK, port: 0 };
  }
  const size = v.WORLD_SIZE;
  const rank = v.RANK ?? bad(`WORLD_SIZE is ${size}, so RANK must be set, from 0 to ${size - 1}. A launcher does this.`);
  if (rank >= size) bad(`RANK is ${rank}; with WORLD_SIZE=${size} it must be at most ${size - 1}.`);
  const localSize = v.LOCAL_WORLD_SIZE ?? size;
  const localRank = v.LOCAL_RANK ?? rank;
  if (localRank >= localSize)
    bad(`LOCAL_RANK is ${localRank}; with LOCAL_WORLD_SIZE=${localSize} it must be at most ${localSize - 1}.`);
  checkedHost(v.COLLECTIVES_HOST, common.token);
  const host = meetingHost(v, { size, token: common.token });
  return { ...common, rank, size, localRank, localSize, host, port: meetingPort(v) };
}

/** @throws {CollectivesError} `unauthorized` for an address that other machines reach, without a token. */
function checkedHost(host: string | undefined, token: string): void {
  if (host === undefined || isLoopback(host) || token !== '') return;
  throw new CollectivesError(
    'unauthorized',
    `connect: COLLECTIVES_HOST=${host} can be reached from other machines, so a token is needed: set COLLECTIVES_TOKEN to the same random text on every rank.`,
  );
}

function meetingHost(v: Variables, { size, token }: { size: number; token: string }): string {
  if (v.MASTER_ADDR === undefined || v.MASTER_ADDR === 'localhost' || v.LOCAL_WORLD_SIZE === size) return LOOPBACK;
  if (isLoopback(v.MASTER_ADDR) || token !== '') return v.MASTER_ADDR;
  throw new CollectivesError(
    'unauthorized',
    `connect: MASTER_ADDR=${v.MASTER_ADDR} can be reached from other machines, so a token is needed: set COLLECTIVES_TOKEN to the ` +
      'same random text on every rank, or LOCAL_WORLD_SIZE to WORLD_SIZE where all ranks are on one host.',
  );
}

function meetingPort(v: Variables): number {
  const agentHoldsIt = v.TORCHELASTIC_USE_AGENT_STORE === 'True';
  if (!agentHoldsIt && v.MASTER_PORT !== undefined) return v.MASTER_PORT;
  if (v.COLLECTIVES_PORT !== undefined) return v.COLLECTIVES_PORT;
  if (v.MASTER_PORT === undefined)
    return bad('WORLD_SIZE is above 1, so MASTER_PORT must be set: a free port, the same on every rank.');
  if (v.MASTER_PORT === 65535)
    return bad("torchrun's agent holds MASTER_PORT=65535 and there is no next port; set COLLECTIVES_PORT.");
  return v.MASTER_PORT + 1;
}
