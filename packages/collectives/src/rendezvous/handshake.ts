import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { PROTOCOL_VERSION } from '../wire/frame.ts';

/** What a member says of itself. */
export interface Identity {
  readonly rank: number;
  readonly size: number;
  readonly runId: string;
  readonly epoch: number;
}

/** Why a member was refused. `again`: it may be let in later (an older start of the run may still hold the port). */
export interface Refusal {
  readonly say: 'refused';
  readonly code: 'unauthorized' | 'rendezvous';
  readonly reason: string;
  readonly again: boolean;
}

const hello = z.strictObject({
  say: z.literal('hello'),
  version: z.number(),
  rank: z.number().int().min(0),
  size: z.number().int().min(1),
  runId: z.string(),
  epoch: z.number().int().min(0),
  nonce: z.string().regex(/^[0-9a-f]{32}$/),
});
const proof = z.strictObject({ say: z.literal('proof'), mac: z.string().regex(/^[0-9a-f]{64}$/) });
const refused = z.strictObject({
  say: z.literal('refused'),
  code: z.enum(['unauthorized', 'rendezvous']),
  reason: z.string(),
  again: z.boolean(),
});
const message = z.discriminatedUnion('say', [hello, proof, refused]);

type Hello = z.output<typeof hello>;

/** What comes of a message: something to send, and perhaps the rank that is now known; or the end. */
export type Reaction =
  | { readonly next: 'go-on'; readonly send?: string }
  | { readonly next: 'known'; readonly send?: string; readonly rank: number }
  | { readonly next: 'refuse'; readonly send: string; readonly refusal: Refusal }
  | { readonly next: 'refused'; readonly refusal: Refusal };

/**
 * Two sides get to know each other: each says who it is with a random number of its own, then proves that it knows the token
 * without sending it:
 *
 *     HMAC-SHA256(token, role, run id, epoch, own rank, peer rank, own nonce, peer nonce)
 *
 * The caller proves first, so that rank 0 tells a stranger nothing. Pure: texts in, texts out. Each is JSON of at most 4 KB,
 * checked against a schema.
 */
export class Handshake {
  readonly #side: 'hub' | 'spoke';
  readonly #own: Hello;
  readonly #token: string;
  readonly #admits: (rank: number) => string | undefined;
  #peer: Hello | undefined;

  /** @param options.admits the hub's word on a rank that is otherwise right: undefined, or why it may not come in. */
  constructor(
    side: 'hub' | 'spoke',
    options: { identity: Identity; token: string; admits?: (rank: number) => string | undefined },
  ) {
    this.#side = side;
    const { rank, size, runId, epoch } = options.identity;
    this.#own = { say: 'hello', version: PROTOCOL_VERSION, rank, size, runId, epoch, nonce: randomBytes(16).toString('hex') };
    this.#token = options.token;
    this.#admits = options.admits ?? (() => undefined);
  }

  /** The first words of a caller. */
  hello(): string {
    return JSON.stringify(this.#own);
  }

  receive(text: string): Reaction {
    const parsed = message.safeParse(parseJson(text));
    if (!parsed.success) return refuse({ code: 'rendezvous', reason: 'the message is not part of the handshake', again: false });
    const said = parsed.data;
    if (said.say === 'refused') return { next: 'refused', refusal: said };
    return said.say === 'hello' ? this.#meet(said) : this.#verify(said.mac);
  }

  #meet(peer: Hello): Reaction {
    if (this.#peer !== undefined) return refuse({ code: 'rendezvous', reason: 'hello was said twice', again: false });
    const objection = this.#objection(peer);
    if (objection !== undefined) return refuse(objection);
    this.#peer = peer;
    return { next: 'go-on', send: this.#side === 'hub' ? this.hello() : this.#proof() };
  }

  #objection(peer: Hello): Omit<Refusal, 'say'> | undefined {
    const own = this.#own;
    const differs = (what: string, values: readonly [unknown, unknown], again: boolean) => ({
      code: 'rendezvous' as const,
      reason: `rank ${peer.rank} says ${what} ${JSON.stringify(values[0])}, rank ${own.rank} says ${JSON.stringify(values[1])}`,
      again,
    });
    if (peer.version !== own.version) return differs('protocol version', [peer.version, own.version], false);
    if (peer.runId !== own.runId) return differs('TORCHELASTIC_RUN_ID', [peer.runId, own.runId], true);
    if (peer.epoch !== own.epoch) return differs('TORCHELASTIC_RESTART_COUNT', [peer.epoch, own.epoch], true);
    if (peer.size !== own.size) return differs('WORLD_SIZE', [peer.size, own.size], false);
    if (peer.rank >= own.size || peer.rank === own.rank) return differs('RANK', [peer.rank, own.rank], false);
    const reason = this.#admits(peer.rank);
    return reason === undefined ? undefined : { code: 'rendezvous', reason, again: false };
  }

  #mac(from: Hello, to: Hello, role: 'hub' | 'spoke'): Buffer {
    const said = JSON.stringify([role, from.runId, from.epoch, from.rank, to.rank, from.nonce, to.nonce]);
    return createHmac('sha256', this.#token).update(said).digest();
  }

  #proof(): string {
    return JSON.stringify({ say: 'proof', mac: this.#mac(this.#own, this.#peer!, this.#side).toString('hex') });
  }

  #verify(mac: string): Reaction {
    if (this.#peer === undefined) return refuse({ code: 'rendezvous', reason: 'a proof came before hello', again: false });
    const expected = this.#mac(this.#peer, this.#own, this.#side === 'hub' ? 'spoke' : 'hub');
    if (!timingSafeEqual(Buffer.from(mac, 'hex'), expected)) {
      return refuse({
        code: 'unauthorized',
        reason: `rank ${this.#peer.rank} and rank ${this.#own.rank} have different COLLECTIVES_TOKENs`,
        again: false,
      });
    }
    // Another of this rank may have come in between hello and proof.
    const reason = this.#admits(this.#peer.rank);
    if (reason !== undefined) return refuse({ code: 'rendezvous', reason, again: false });
    return { next: 'known', rank: this.#peer.rank, send: this.#side === 'hub' ? this.#proof() : undefined };
  }
}

function refuse(refusal: Omit<Refusal, 'say'>): Reaction {
  const whole: Refusal = { say: 'refused', ...refusal };
  return { next: 'refuse', refusal: whole, send: JSON.stringify(whole) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
