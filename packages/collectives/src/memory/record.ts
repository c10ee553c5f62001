import { causeText, parseCause } from '../cause.ts';
import type { Cause } from '../errors.ts';

/** A text in a fixed room: its length in bytes as a uint32, then UTF-8. Cut where it is too long. */
export function encodeText(text: string, roomBytes: number): Buffer {
  const room = Buffer.alloc(roomBytes);
  room.writeUInt32LE(room.write(text, 4), 0); // write() never splits a character
  return room;
}

/** The text of a room that `encodeText` filled; empty where the length makes no sense. */
export function decodeText(room: Uint8Array): string {
  const bytes = Buffer.from(room); // a copy: the room may be shared memory
  const length = bytes.readUInt32LE(0);
  return length > bytes.length - 4 ? '' : bytes.toString('utf8', 4, 4 + length);
}

/** A cause in a fixed room. */
export const encodeCause = (cause: Cause, roomBytes: number): Buffer => encodeText(causeText(cause, roomBytes - 4), roomBytes);

/** The cause of a room that `encodeCause` filled. */
export const decodeCause = (room: Uint8Array): Cause =>
  parseCause(decodeText(room)) ?? { code: 'aborted', message: 'a rank failed, but the cause that it left cannot be read' };
