import type { WebSocket } from 'ws';
import { operations } from '../call.ts';
import { causeText, parseCause } from '../cause.ts';
import type { Cause } from '../errors.ts';
import type { Place } from '../rendezvous/environment.ts';
import { type Frame, payloadLimit } from '../wire/frame.ts';
import { type Address, call as callRank, openReception, type Reception } from './acquaintance.ts';
import type { Desk } from './desk.ts';
import { Exchange, type Wires } from './exchange.ts';
import { frameOf, Outgoing } from './mesh-link.ts';
import { type Entered, enteredFrom, type WireCall, type Words, wordsOf } from './wire-call.ts';

/** What a mesh tells the progress thread. */
export interface MeshEvents {
  /** A connection is gone without a goodbye. */
  lost(rank: number, reason: string): void;
  /** The group has failed. */
  failed(cause: Cause): void;
  /** A call is done that the main thread does not block for. */
  done(seq: number): void;
}

/** The other ranks as one rank is connected to them. */
interface Peer {
  readonly out: Outgoing;
  readonly incoming: WebSocket;
  readonly outgoing: WebSocket;
  /** Messages of calls that this rank has not come to. While there are any, no more are read. */
  readonly early: Frame[];
  entered: Entered | undefined;
  left: boolean;
}

/** Two connections between every two ranks, each for data of one direction, and the calls that go over them, one after the other. */
export class Mesh implements Wires {
  readonly rank: number;
  readonly size: number;
  readonly #place: Place;
  readonly #desk: Desk;
  readonly #events: MeshEvents;
  readonly #reception: Reception;
  readonly #peers = new Map<number, Peer>();
  readonly #queue: WireCall[] = [];
  #current: { readonly exchange: Exchange; readonly words: Words; readonly hashes: Map<number, Entered> } | undefined;
  #over = false;

  private constructor(place: Place, { desk, events, reception }: { desk: Desk; events: MeshEvents; reception: Reception }) {
    this.#place = place;
    this.rank = place.rank;
    this.size = place.size;
    this.#desk = desk;
    this.#events = events;
    this.#reception = reception;
  }

  /**
   * Opens this rank's server, tells its address, calls every other rank, and waits to be called by all of them: **who receives calls who sends**, because what a
   * server sends is not masked.
   *
   * @param options.exchange how addresses are told. @throws where a rank cannot be reached.
   */
  static async weave(
    place: Place,
    {
      host,
      desk,
      events,
      exchange,
    }: {
      host: string;
      desk: Desk;
      events: MeshEvents;
      exchange: { set(key: string, value: string): void; wait(key: string): Promise<string> };
    },
  ): Promise<Mesh> {
    const outgoing = new Map<number, WebSocket>();
    let changed: () => void = () => undefined;
    const reception = await openReception(place, host, (rank, socket) => {
      outgoing.set(rank, socket);
      changed();
    });
    exchange.set(`mesh/${place.rank}`, JSON.stringify(reception.address));
    const others = Array.from({ length: place.size }, (_, r) => r).filter((r) => r !== place.rank);
    const incoming = await Promise.all(
      others.map(async (rank) => callRank(place, JSON.parse(await exchange.wait(`mesh/${rank}`)) as Address, rank)),
    );
    while (outgoing.size < others.length)
      await new Promise<void>((resolve) => {
        changed = resolve;
      });
    const mesh = new Mesh(place, { desk, events, reception });
    for (const [i, rank] of others.entries()) mesh.#connect(rank, incoming[i] as WebSocket, outgoing.get(rank) as WebSocket);
    return mesh;
  }

  #connect(rank: number, incoming: WebSocket, outgoing: WebSocket): void {
    const out = new Outgoing(outgoing, { own: this.#place, peer: rank, left: () => this.#advance() });
    const peer: Peer = { out, incoming, outgoing, early: [], entered: undefined, left: false };
    this.#peers.set(rank, peer);
    incoming.on('message', (data) => this.#hear(rank, peer, data));
    for (const socket of [incoming, outgoing]) {
      socket.on('close', () => {
        if (!peer.left && !this.#over) this.#events.lost(rank, 'its connection was closed');
      });
      socket.resume();
    }
  }

  send(to: number, { phase, offset, bytes }: Parameters<Wires['send']>[1]): void {
    const { exchange, words } = this.#current!;
    this.#peers.get(to)?.out.send({ type: 'data', sequence: exchange.call.seq, phase, offset, signature: words.hash }, bytes);
  }

  pending(): number {
    let bytes = 0;
    for (const { out } of this.#peers.values()) bytes += out.pending;
    return bytes;
  }

  /** Takes a call from the main thread; calls are made in the order in which they come. */
  make(call: WireCall): void {
    this.#queue.push(call);
    if (this.#current === undefined) this.#next();
  }

  #next(): void {
    const call = this.#queue.shift();
    if (call === undefined || this.#desk.aborted()) return;
    const words = wordsOf(call);
    const { seq, step } = call;
    this.#current = { exchange: new Exchange(call, this), words, hashes: new Map() };
    this.#enter(this.rank, { operation: operations.indexOf(call.operation), step, hash: words.hash, description: '' }, seq);
    const payload = Buffer.from(words.text);
    for (const { out } of this.#peers.values()) out.say({ type: 'barrier', sequence: seq, signature: words.hash, payload });
    this.#current.exchange.start();
    for (const [rank, peer] of this.#peers) {
      for (const frame of peer.early.splice(0)) this.#take(rank, peer, frame);
      peer.incoming.resume();
    }
    this.#advance();
  }

  #hear(rank: number, peer: Peer, data: unknown): void {
    if (this.#over) return;
    const frame = frameOf(data);
    if (typeof frame === 'string') {
      this.#broken(rank, frame);
      return;
    }
    if (frame.source !== rank || frame.destination !== this.rank || frame.epoch !== this.#place.epoch)
      this.#broken(rank, 'a message is of or for another rank or start');
    else this.#take(rank, peer, frame);
  }

  #take(rank: number, peer: Peer, frame: Frame): void {
    if (frame.type === 'bye') {
      this.#leave(rank, peer);
      return;
    }
    if (frame.type === 'abort') {
      peer.left = true; // it may hang up now, and that is not the cause
      const cause = parseCause(Buffer.from(frame.payload).toString());
      this.#events.failed(cause ?? { code: 'aborted', rank, message: `rank ${rank} aborted the group` });
      return;
    }
    const seq = this.#current?.exchange.call.seq;
    if (seq === undefined || frame.sequence > seq || peer.early.length > 0) {
      peer.early.push(frame);
      peer.incoming.pause();
      return;
    }
    if (frame.sequence < seq) {
      this.#broken(rank, `a ${frame.type} message of call ${frame.sequence}, which is over`);
      return;
    }
    if (frame.type === 'barrier') {
      const entered = enteredFrom(Buffer.from(frame.payload).toString(), frame.signature);
      if (entered === undefined) {
        this.#broken(rank, 'what it says of its call cannot be read');
        return;
      }
      this.#enter(rank, entered, seq);
    } else if (frame.type === 'data') {
      const { exchange, hashes, words } = this.#current!;
      if (!hashes.has(rank)) {
        this.#broken(rank, 'data came before it said in which call');
        return;
      }
      // Of another call: the mismatch is known, or will be when rank 0 has been heard.
      if (frame.signature !== words.hash) return;
      const reason = exchange.receive(rank, { phase: frame.phase, offset: frame.offset, bytes: frame.payload });
      if (reason !== undefined) {
        this.#broken(rank, `it sent ${reason}`);
        return;
      }
    } else {
      this.#broken(rank, `a ${frame.type} message between calls`);
      return;
    }
    this.#advance();
  }

  /** A rank has come to the call; once rank 0 has, all are compared with it. */
  #enter(rank: number, entered: Entered, seq: number): void {
    const { hashes, exchange } = this.#current!;
    hashes.set(rank, entered);
    this.#desk.enter(rank, { seq, operation: entered.operation, step: entered.step });
    const first = hashes.get(0);
    if (first === undefined) return;
    for (const [other, { hash }] of hashes) {
      if (hash === first.hash) continue;
      const own = enteredFrom(wordsOf(exchange.call).text, 0);
      const said = (r: number) => (r === this.rank ? own : hashes.get(r))?.description;
      this.#events.failed({
        code: 'mismatch',
        rank: other,
        message:
          `rank 0 called ${said(0)}; rank ${other} called ${said(other)}. All ranks must make the same calls, with the same counts, in the same order; ` +
          'plans built from different parameter lists differ like this.',
      });
      return;
    }
  }

  #leave(rank: number, peer: Peer): void {
    peer.left = true;
    this.#desk.leave(rank);
    this.#advance();
  }

  /** Looks whether the call is done; and, where it waits for a rank that has left, ends the group. */
  #advance(): void {
    const current = this.#current;
    if (current === undefined || this.#over || this.#desk.aborted()) return;
    const { exchange, hashes } = current;
    const { seq, notify } = exchange.call;
    for (const [rank, { left }] of this.#peers) {
      const there = hashes.has(rank) && exchange.delivered(rank);
      if (there) this.#desk.deliver(rank, seq);
      else if (left) {
        this.#events.failed(this.#departed(rank, exchange.call));
        return;
      }
    }
    if (hashes.size < this.size || !exchange.done) return;
    this.#current = undefined;
    this.#desk.finish(seq);
    if (notify) this.#events.done(seq);
    this.#next();
  }

  #departed(rank: number, { operation }: WireCall): Cause {
    const { operation: last, seq, step } = this.#desk.lastCall(rank);
    const where =
      seq === 0 ? `rank ${rank} has not entered any call` : `rank ${rank} was last in ${last}, call ${seq} of step ${step}`;
    return {
      code: 'closed',
      rank,
      missingRanks: [rank],
      message: `rank ${rank} closed the group, while rank ${this.rank} waits in ${operation}. ${where}.`,
    };
  }

  #broken(rank: number, reason: string): void {
    this.#events.failed({ code: 'aborted', rank, message: `rank ${rank} does not keep to the protocol: ${reason}.` });
  }

  /** Says goodbye and hangs up. */
  async close(): Promise<void> {
    if (this.#over) return;
    const failed = this.#desk.aborted();
    this.#over = true;
    this.#reception.close();
    const ended = [...this.#peers.values()].map(async ({ out, incoming, outgoing }) => {
      if (!failed) out.say({ type: 'bye' });
      incoming.resume();
      // The goodbye must have been heard before the other connection goes.
      for (const socket of [outgoing, incoming]) {
        socket.close();
        await closed(socket);
      }
    });
    await Promise.all(ended);
  }

  /** Tells all ranks why the group has failed, before anything else that is said. Resolves when that is on its way. */
  async announce(cause: Cause): Promise<void> {
    const payload = Buffer.from(causeText(cause, payloadLimit.abort));
    const peers = [...this.#peers.values()];
    await Promise.all(peers.map(({ out }) => new Promise<void>((gone) => out.cry({ type: 'abort', payload }, gone))));
  }

  /** Reads on from everybody: something is wrong, and one of them may have said what. */
  listen(): void {
    for (const { incoming } of this.#peers.values()) incoming.resume();
  }
}

/** How long a peer may take to hang up. */
const HANG_UP_MS = 500;

function closed(socket: WebSocket): Promise<void> {
  if (socket.readyState === socket.CLOSED) return Promise.resolve();
  return new Promise((resolve) => {
    const cut = setTimeout(() => socket.terminate(), HANG_UP_MS);
    socket.once('close', () => {
      clearTimeout(cut);
      resolve();
    });
  });
}
