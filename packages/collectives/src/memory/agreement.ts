import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { z } from 'zod';
import { CollectivesError } from '../errors.ts';
import { type Medium, type MemoryKind, memoryKinds } from './medium.ts';
import type { Native } from './native.ts';
import { joinRegion, makeRegion } from './region.ts';
import type { Abilities } from './self-test.ts';
import { type Origin, origins } from './shared-file.ts';

/** Small texts between ranks: written once under a key, and waited for. */
export interface Exchange {
  set(key: string, value: string): void;
  wait(key: string): Promise<string>;
}

/** One way to share memory that may be tried. */
export interface Attempt {
  readonly kind: MemoryKind;
  readonly origin: Origin;
}

/** What a rank offers: which host it is on, and what it can do there. */
export interface Offer extends Abilities {
  readonly host: string;
}

const offerSchema = z.strictObject({
  host: z.string(),
  kinds: z.array(z.enum(memoryKinds)),
  origins: z.array(z.enum(origins)),
  refused: z.array(z.string()),
});

/** Which boot of which machine this is. */
export function hostIdentity(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return hostname();
  }
}

/**
 * What all ranks can do, best first. Pure, so that every rank gets the same list from the same offers.
 *
 * @throws {CollectivesError} `unsupported` where ranks are on different hosts, or have no kind in common.
 */
export function attempts(offers: readonly Offer[]): readonly Attempt[] {
  const stranger = offers.findIndex(({ host }) => host !== offers[0]!.host);
  if (stranger >= 0) {
    throw new CollectivesError(
      'unsupported',
      `connect: rank ${stranger} runs on another host than rank 0. Ranks that share memory must run on one host; a transport between hosts is not part of this version.`,
      { rank: stranger },
    );
  }
  const kinds = memoryKinds.filter((kind) => offers.every((o) => o.kinds.includes(kind)));
  const [memfd, tmpfs] = origins.map((origin) => offers.every((o) => o.origins.includes(origin)));
  const list = kinds.flatMap((kind): Attempt[] => [
    ...(memfd && kind !== 'file' ? [{ kind, origin: 'memfd' as const }] : []),
    ...(tmpfs || kind === 'file' ? [{ kind, origin: 'tmpfs' as const }] : []),
  ]);
  if (list.length > 0) return list;
  const each = offers.map(
    (o, r) => `rank ${r} can use ${o.kinds.join(', ') || 'nothing'}${o.refused.length === 0 ? '' : ` (${o.refused.join('; ')})`}`,
  );
  throw new CollectivesError(
    'unsupported',
    `connect: the ranks have no kind of shared memory in common: ${each.join('; ')}. Is COLLECTIVES_MEMORY the same on all?`,
  );
}

/** Who agrees. */
export interface Party {
  readonly rank: number;
  readonly size: number;
  readonly native: Native | undefined;
  readonly exchange: Exchange;
}

/**
 * Makes the region that a group needs from the start, of the best kind that works for every rank.
 *
 * @throws {CollectivesError} `unsupported`, with what was tried and why it failed.
 */
export async function agreeOnMemory(party: Party, abilities: Abilities): Promise<{ medium: Medium; origin: Origin }> {
  const { rank, size, exchange } = party;
  exchange.set(`memory/offer/${rank}`, JSON.stringify({ ...abilities, host: hostIdentity() }));
  const offers = await Promise.all(
    Array.from({ length: size }, async (_, r) => offerSchema.parse(JSON.parse(await exchange.wait(`memory/offer/${r}`)))),
  );
  const failures: string[] = [];
  for (const [index, attempt] of attempts(offers).entries()) {
    const result = await (rank === 0 ? makeRegion : joinRegion)(party, { attempt, key: `memory/${index}` });
    if (typeof result !== 'string') return { medium: result, origin: attempt.origin };
    failures.push(`${attempt.kind} on ${attempt.origin}: ${result}`);
  }
  throw new CollectivesError('unsupported', `connect: no kind of shared memory works for all ranks. ${failures.join('; ')}`);
}
