import type { WebSocket } from 'ws';
import { decodeHeader, encodeFrame, encodeHeader, type Frame, type FrameFields, HEADER_BYTES } from '../wire/frame.ts';

/** Bytes that may be on their way to one peer at once. More only fills buffers. */
const FLIGHT_BYTES = 4 * 2 ** 20;

/** A message without its payload. */
type Fields = Omit<FrameFields, 'source' | 'destination' | 'epoch' | 'payload'>;

/** One direction of data between two ranks: the sender's end. Data leave in order, never masked, never copied together. */
export class Outgoing {
  readonly #socket: WebSocket;
  readonly #own: { readonly rank: number; readonly epoch: number };
  readonly #peer: number;
  readonly #left: () => void;
  readonly #queue: { readonly header: Buffer; readonly bytes: Uint8Array }[] = [];
  #flying = 0;
  #pending = 0;

  /** @param options.left called when bytes have left and nothing more is pending. */
  constructor(socket: WebSocket, { own, peer, left }: { own: { rank: number; epoch: number }; peer: number; left: () => void }) {
    this.#socket = socket;
    this.#own = own;
    this.#peer = peer;
    this.#left = left;
  }

  /** Bytes that were handed over and have not left. */
  get pending(): number {
    return this.#pending;
  }

  /** A short message, with what it carries. */
  say(fields: Fields & { readonly payload?: Uint8Array }): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return; // its end is told by its owner
    this.#queue.push({ header: encodeFrame({ ...fields, ...this.#ends }), bytes: nothing });
    this.#flush();
  }

  /** The last message: what waits before it is dropped. @param gone called when it has left, or cannot. */
  cry(fields: Fields & { readonly payload: Uint8Array }, gone: () => void): void {
    this.#queue.length = 0;
    if (this.#socket.readyState !== this.#socket.OPEN) gone();
    else this.#socket.send(encodeFrame({ ...fields, ...this.#ends }), gone);
  }

  /** Bytes that stay as they are until they have left. */
  send(fields: Fields, bytes: Uint8Array): void {
    this.#pending += bytes.length;
    this.#queue.push({ header: encodeHeader({ ...fields, ...this.#ends }, bytes.length), bytes });
    this.#flush();
  }

  get #ends() {
    return { source: this.#own.rank, destination: this.#peer, epoch: this.#own.epoch };
  }

  #flush(): void {
    while (this.#queue.length > 0 && this.#flying < FLIGHT_BYTES) {
      const { header, bytes } = this.#queue.shift()!;
      if (bytes.length === 0) {
        this.#socket.send(header);
        continue;
      }
      this.#flying += bytes.length;
      // Header and payload as two fragments of one message: nothing is copied together.
      this.#socket.send(header, { binary: true, fin: false });
      this.#socket.send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), { binary: true, fin: true }, () => {
        this.#flying -= bytes.length;
        this.#pending -= bytes.length;
        this.#flush();
        if (this.#pending === 0) this.#left();
      });
    }
  }
}

const nothing = new Uint8Array(0);

/** Takes a message apart. @returns why it is none, where it is not. */
export function frameOf(data: unknown): Frame | string {
  const parts = Array.isArray(data) ? (data as Buffer[]) : [data as Buffer];
  let [first, ...rest] = parts as [Buffer, ...Buffer[]];
  if (first.length < HEADER_BYTES) {
    // A sender is free to cut its messages elsewhere.
    first = Buffer.concat(parts);
    rest = [];
    if (first.length < HEADER_BYTES) return 'a message is shorter than its header';
  }
  const header = decodeHeader(first);
  if (typeof header === 'string') return header;
  const { payloadBytes, ...fields } = header;
  const head = first.subarray(HEADER_BYTES);
  const payload =
    rest.length === 0 ? head : head.length === 0 && rest.length === 1 ? (rest[0] as Buffer) : Buffer.concat([head, ...rest]);
  if (payload.length !== payloadBytes) return `a ${fields.type} message says ${payloadBytes} bytes and brings ${payload.length}`;
  return { ...fields, payload };
}
