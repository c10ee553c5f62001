import type { Socket } from 'node:net';
import { encodeFrame, type Frame, type FrameFields } from '../wire/frame.ts';
import { FrameReader } from '../wire/frame-reader.ts';

/** What a link tells its owner. */
export interface LinkEvents {
  frame(frame: Frame): void;
  /** The connection is gone, once, and why. */
  ended(reason: string): void;
}

/** One connection between two progress threads: messages in, messages out. */
export class Link {
  readonly #socket: Socket;
  readonly #own: { readonly rank: number; readonly epoch: number };
  /** Who hears of what comes; the owner changes when the handshake is over. */
  events: LinkEvents;
  /** The other side, once it is known. */
  peer = 0;

  constructor(socket: Socket, { own, events }: { own: { rank: number; epoch: number }; events: LinkEvents }) {
    this.#socket = socket;
    this.#own = own;
    this.events = events;
    const reader = new FrameReader();
    let reason = 'the connection was closed';
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      for (const frame of reader.push(chunk)) this.events.frame(frame);
      if (reader.broken === undefined) return;
      reason = reader.broken;
      socket.destroy();
    });
    socket.on('error', (error) => {
      reason = error.message;
    });
    socket.on('close', () => this.events.ended(reason));
  }

  /** This host's address, as the other side sees it. */
  get localAddress(): string | undefined {
    return this.#socket.localAddress?.replace(/^::ffff:/, '');
  }

  send(fields: Omit<FrameFields, 'source' | 'destination' | 'epoch'>): void {
    if (!this.#socket.writable) return; // `ended` tells, or has told
    this.#socket.write(encodeFrame({ ...fields, source: this.#own.rank, destination: this.peer, epoch: this.#own.epoch }));
  }

  /** Sends a text of the handshake. */
  say(text: string): void {
    this.send({ type: 'hello', payload: Buffer.from(text) });
  }

  /** Sends what is still to be sent, then closes. */
  end(): void {
    this.#socket.end();
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** How long links may take to send what is left. */
const CLOSE_MS = 500;

/** Ends links after what they still have to send, and cuts those that take too long. */
export async function endAll(links: readonly Link[]): Promise<void> {
  const ended = links.map(
    (link) =>
      new Promise<void>((resolve) => {
        link.events = { frame() {}, ended: () => resolve() };
        link.end();
      }),
  );
  const cut = setTimeout(() => {
    for (const link of links) link.destroy();
  }, CLOSE_MS);
  await Promise.all(ended);
  clearTimeout(cut);
}
