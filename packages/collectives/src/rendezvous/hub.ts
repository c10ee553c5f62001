import { createServer, type Server, type Socket } from 'node:net';
import type { Cause } from '../errors.ts';
import type { Frame } from '../wire/frame.ts';
import type { Place } from './environment.ts';
import { Handshake, type Reaction } from './handshake.ts';
import { endAll, Link } from './link.ts';
import { decodeNews, encodeNews } from './news.ts';
import { HANDSHAKE_MS, type Star, type StarEvents, storeEntry, storePayload, storePhase } from './star.ts';
import { Store } from './store.ts';

/** Rank 0's side of the star: lets ranks in until all are there, keeps the store, passes alarms on. */
export class Hub implements Star {
  readonly #place: Place;
  readonly #events: StarEvents;
  readonly #store = new Store();
  readonly #links = new Map<number, Link>();
  readonly #strangers = new Set<Link>();
  readonly #server: Server;
  /** Why callers were turned away, for the message if ranks stay missing. */
  readonly #refusals = new Set<string>();

  constructor(place: Place, events: StarEvents) {
    this.#place = place;
    this.#events = events;
    this.#server = createServer((socket) => this.#greet(socket));
    this.#server.on('error', (error: NodeJS.ErrnoException) => events.failed(this.#cannotServe(error)));
    this.#server.listen({ host: place.host, port: place.port }, () => events.roster([place.rank]));
  }

  #cannotServe(error: NodeJS.ErrnoException): Cause {
    const { host, port } = this.#place;
    const why = error.code === 'EADDRINUSE' ? 'is in use by another process' : `cannot be served (${error.message})`;
    return {
      code: 'rendezvous',
      rank: 0,
      message: `rendezvous: port ${port} on ${host} ${why}, so rank 0 cannot wait for the other ranks there. Choose another MASTER_PORT, or end what holds it.`,
    };
  }

  #greet(socket: Socket): void {
    if (this.#strangers.size >= this.#place.size) {
      this.#refusals.add('more callers at once than there are ranks');
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    const handshake = new Handshake('hub', {
      identity: this.#place,
      token: this.#place.token,
      admits: (rank) => (this.#links.has(rank) ? `rank ${rank} has joined already; two processes have the same RANK` : undefined),
    });
    const patience = setTimeout(() => {
      this.#refusals.add('a caller that did not say who it is');
      link.destroy();
    }, HANDSHAKE_MS);
    const leave = () => {
      clearTimeout(patience);
      this.#strangers.delete(link);
    };
    const link: Link = new Link(socket, {
      own: this.#place,
      events: {
        frame: (frame) => {
          if (!this.#strangers.has(link)) return;
          if (frame.type !== 'hello') return link.destroy();
          if (this.#answer(link, handshake.receive(Buffer.from(frame.payload).toString())) === 'done') leave();
        },
        ended: (reason) => {
          if (reason !== 'the connection was closed') this.#refusals.add(`a caller: ${reason}`);
          leave();
        },
      },
    });
    this.#strangers.add(link);
  }

  #answer(link: Link, reaction: Reaction): 'done' | 'more' {
    switch (reaction.next) {
      case 'go-on':
        if (reaction.send !== undefined) link.say(reaction.send);
        return 'more';
      case 'refused':
        link.destroy();
        return 'done';
      case 'refuse':
        this.#refusals.add(reaction.refusal.reason);
        link.say(reaction.send);
        link.end();
        return 'done';
      case 'known':
        this.#strangers.delete(link);
        if (reaction.send !== undefined) link.say(reaction.send);
        this.#admit(link, reaction.rank);
        return 'done';
    }
  }

  #admit(link: Link, rank: number): void {
    link.peer = rank;
    link.events = {
      frame: (frame) => this.#receive(link, frame),
      ended: (reason) => {
        this.#links.delete(rank);
        this.#events.lost(rank, reason);
      },
    };
    this.#links.set(rank, link);
    const joined = [this.#place.rank, ...this.#links.keys()].sort((a, b) => a - b);
    for (const other of this.#links.values()) other.say(encodeNews({ say: 'roster', joined }));
    if (joined.length === this.#place.size) this.#stopServing();
    this.#events.roster(joined);
  }

  #receive(link: Link, frame: Frame): void {
    if (frame.type === 'hello') {
      const news = decodeNews(Buffer.from(frame.payload).toString());
      if (news?.say === 'failed') this.#events.failed(news.cause);
      return;
    }
    if (frame.type !== 'store') {
      this.#events.message(link.peer, frame.type);
      return;
    }
    const { key, value } = storeEntry(frame.payload);
    if (frame.phase === storePhase.set) {
      try {
        this.#store.set(key, value);
      } catch {
        link.destroy(); // a member that contradicts itself: its end is reported as that of any other
      }
    } else if (frame.phase === storePhase.wait) {
      this.#store.wait(key, (found) => link.send({ type: 'store', phase: storePhase.found, payload: storePayload(key, found) }));
    }
  }

  #stopServing(): void {
    this.#server.close();
    for (const link of this.#strangers) link.destroy();
  }

  neighbours(): readonly number[] {
    return [...this.#links.keys()];
  }

  set(key: string, value: string): void {
    this.#store.set(key, value);
  }

  wait(key: string, found: (value: string) => void): void {
    this.#store.wait(key, found);
  }

  tell(type: 'heartbeat' | 'abort' | 'bye', except?: number): void {
    for (const [rank, link] of this.#links) if (rank !== except) link.send({ type });
  }

  localAddress(): string {
    return this.#place.host;
  }

  why(): string {
    return this.#refusals.size === 0 ? '' : `Turned away: ${[...this.#refusals].join('; ')}. `;
  }

  announce(cause: Cause): void {
    for (const link of this.#links.values()) link.say(encodeNews({ say: 'failed', cause }));
  }

  async close(): Promise<void> {
    this.#stopServing();
    await endAll([...this.#links.values()]);
  }
}
