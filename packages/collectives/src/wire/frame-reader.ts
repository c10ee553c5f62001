import { decodeHeader, type Frame, HEADER_BYTES } from './frame.ts';

/**
 * Cuts a stream of bytes into messages. Holds at most one header and one payload of the length that its type allows; after the
 * first thing that is no message it reads nothing more.
 */
export class FrameReader {
  #pending: Buffer = Buffer.alloc(0);
  #broken: string | undefined;

  /** Why the stream cannot be read on; undefined while it can. */
  get broken(): string | undefined {
    return this.#broken;
  }

  /** @returns the messages that are whole now, in order. */
  push(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    this.#pending = this.#pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#pending, chunk]);
    while (this.#broken === undefined && this.#pending.length >= HEADER_BYTES) {
      const header = decodeHeader(this.#pending);
      if (typeof header === 'string') {
        this.#broken = header;
        this.#pending = Buffer.alloc(0);
        break;
      }
      const { payloadBytes, ...fields } = header;
      const end = HEADER_BYTES + payloadBytes;
      if (this.#pending.length < end) break;
      frames.push({ ...fields, payload: this.#pending.subarray(HEADER_BYTES, end) });
      this.#pending = this.#pending.subarray(end);
    }
    return frames;
  }
}
