import { connect, type Socket } from 'node:net';
import type { Cause } from '../errors.ts';
import type { Frame } from '../wire/frame.ts';
import type { Place } from './environment.ts';
import { Handshake, type Refusal } from './handshake.ts';
import { endAll, Link } from './link.ts';
import { decodeNews, encodeNews } from './news.ts';
import { HANDSHAKE_MS, type Star, type StarEvents, storeEntry, storePayload, storePhase } from './star.ts';

const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 500;

/** The side of any other rank: calls rank 0 until it answers, then keeps the one link to it. */
export class Spoke implements Star {
  readonly #place: Place;
  readonly #events: StarEvents;
  readonly #waiting = new Map<string, ((value: string) => void)[]>();
  #link: Link | undefined;
  #socket: Socket | undefined;
  #again: NodeJS.Timeout | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #closed = false;
  /** Why the last attempt failed, for the message if none succeeds. */
  #lastReason = 'there was no answer';

  constructor(place: Place, events: StarEvents) {
    this.#place = place;
    this.#events = events;
    this.#call();
  }

  #call(): void {
    const { host, port } = this.#place;
    const handshake = new Handshake('spoke', { identity: this.#place, token: this.#place.token });
    const socket = connect({ host, port });
    const patience = setTimeout(() => socket.destroy(new Error('no answer to the handshake')), HANDSHAKE_MS);
    this.#socket = socket;
    socket.on('connect', () => link.say(handshake.hello()));
    const link: Link = new Link(socket, {
      own: this.#place,
      events: {
        frame: (frame) => {
          const reaction = handshake.receive(Buffer.from(frame.payload).toString());
          if (reaction.next === 'go-on' && reaction.send !== undefined) return link.say(reaction.send);
          if (reaction.next === 'known') {
            clearTimeout(patience);
            return this.#join(link);
          }
          if (reaction.next === 'refused' || reaction.next === 'refuse') this.#turnedAway(reaction.refusal, link);
        },
        ended: (reason) => {
          clearTimeout(patience);
          if (this.#closed) return;
          this.#lastReason = reason;
          this.#again = setTimeout(() => this.#call(), this.#pauseMs);
          this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
        },
      },
    });
  }

  #turnedAway({ code, reason, again }: Refusal, link: Link): void {
    const { host, port, rank } = this.#place;
    if (!again) {
      this.#closed = true;
      this.#events.failed({
        code,
        rank,
        message: `rendezvous: rank 0 at ${host}:${port} did not let rank ${rank} in: ${reason}.`,
      });
    }
    const { ended } = link.events;
    link.events = { frame() {}, ended: () => ended(reason) };
    link.destroy();
  }

  #join(link: Link): void {
    this.#link = link;
    link.events = {
      frame: (frame) => this.#receive(frame),
      ended: (reason) => {
        this.#link = undefined;
        this.#events.lost(0, reason);
      },
    };
  }

  #receive(frame: Frame): void {
    if (frame.type === 'hello') this.#hear(Buffer.from(frame.payload).toString());
    else if (frame.type === 'store') this.#found(storeEntry(frame.payload));
    else this.#events.message(0, frame.type);
  }

  #found({ key, value }: { key: string; value: string }): void {
    for (const found of this.#waiting.get(key) ?? []) found(value);
    this.#waiting.delete(key);
  }

  #hear(text: string): void {
    const news = decodeNews(text);
    if (news?.say === 'roster') this.#events.roster(news.joined);
    if (news?.say === 'failed') this.#events.failed(news.cause);
  }

  neighbours(): readonly number[] {
    return this.#link === undefined ? [] : [0];
  }

  set(key: string, value: string): void {
    this.#link?.send({ type: 'store', phase: storePhase.set, payload: storePayload(key, value) });
  }

  wait(key: string, found: (value: string) => void): void {
    this.#waiting.set(key, [...(this.#waiting.get(key) ?? []), found]);
    this.#link?.send({ type: 'store', phase: storePhase.wait, payload: storePayload(key) });
  }

  tell(type: 'heartbeat' | 'abort' | 'bye', except?: number): void {
    if (except !== 0) this.#link?.send({ type });
  }

  localAddress(): string {
    return this.#link?.localAddress ?? this.#place.host;
  }

  why(): string {
    return `Last attempt: ${this.#lastReason}. `;
  }

  announce(cause: Cause): void {
    this.#link?.say(encodeNews({ say: 'failed', cause }));
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#again);
    if (this.#link === undefined) this.#socket?.destroy();
    else await endAll([this.#link]);
  }
}
