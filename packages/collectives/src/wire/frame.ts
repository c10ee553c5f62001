/**
 * A message between progress threads: a header of 64 bytes, little endian, then a payload. Pure: bytes to values and back.
 *
 *      0 magic u32             4 version u8, 5 type u8, 6 flags u16     8 group u32            12 epoch u32
 *     16 sequence u64         24 signature u32                          28 source u16, 30 destination u16
 *     32 phase u16, 34 chunk u16   36 tag u32   40 offset u64   48 payload length u32   52 crc32 u32   56 reserved u64
 */

/** Length of a header. */
export const HEADER_BYTES = 64;
/** What both sides must speak. */
export const PROTOCOL_VERSION = 1;
const MAGIC = 0x4c4f4344;

/** What a message is. */
export const frameType = { hello: 1, data: 2, barrier: 3, heartbeat: 4, abort: 5, store: 6, bye: 7 } as const;
/** The name of a message's type. */
export type FrameType = keyof typeof frameType;

const typeOfNumber = new Map<number, FrameType>(Object.entries(frameType).map(([name, number]) => [number, name as FrameType]));

/** The most bytes that follow a header of each type. Nothing longer is read, whatever the header says. */
export const payloadLimit: Readonly<Record<FrameType, number>> = {
  hello: 4096,
  data: 2 ** 20,
  barrier: 8192,
  heartbeat: 0,
  abort: 2048,
  store: 8192,
  bye: 0,
};

/** A message. Fields that a type does not use are 0. */
export interface Frame {
  readonly type: FrameType;
  readonly epoch: number;
  readonly source: number;
  readonly destination: number;
  readonly sequence: number;
  readonly phase: number;
  /** What the call is, in 32 bits: the same on ranks that agree. */
  readonly signature: number;
  /** Where the payload belongs, bytes from the start of the whole array. */
  readonly offset: number;
  readonly payload: Uint8Array;
}

/** What a sender says; the rest is 0. */
export type FrameFields = Pick<Frame, 'type' | 'epoch' | 'source' | 'destination'> &
  Partial<Pick<Frame, 'sequence' | 'phase' | 'signature' | 'offset' | 'payload'>>;

const nothing = new Uint8Array(0);

/** @throws {RangeError} where the payload is longer than its type allows. */
export function encodeFrame({ payload = nothing, ...fields }: FrameFields): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + payload.length);
  writeHeader(bytes, fields, payload.length);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

/** A header whose payload is sent beside it, so that it need not be copied. @throws {RangeError} as `encodeFrame`. */
export function encodeHeader(fields: Omit<FrameFields, 'payload'>, payloadBytes: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  writeHeader(bytes, fields, payloadBytes);
  return bytes;
}

function writeHeader(
  bytes: Buffer,
  { type, epoch, source, destination, sequence = 0, phase = 0, signature = 0, offset = 0 }: Omit<FrameFields, 'payload'>,
  payloadBytes: number,
): void {
  if (payloadBytes > payloadLimit[type]) {
    throw new RangeError(`${type} message of ${payloadBytes} bytes; at most ${payloadLimit[type]} are allowed`);
  }
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt8(PROTOCOL_VERSION, 4);
  bytes.writeUInt8(frameType[type], 5);
  bytes.writeUInt32LE(epoch, 12);
  bytes.writeBigUInt64LE(BigInt(sequence), 16);
  bytes.writeUInt32LE(signature, 24);
  bytes.writeUInt16LE(source, 28);
  bytes.writeUInt16LE(destination, 30);
  bytes.writeUInt16LE(phase, 32);
  bytes.writeBigUInt64LE(BigInt(offset), 40);
  bytes.writeUInt32LE(payloadBytes, 48);
}

/** A header without its payload, or the reason why these 64 bytes are none. */
export function decodeHeader(bytes: Buffer): (Omit<Frame, 'payload'> & { readonly payloadBytes: number }) | string {
  if (bytes.readUInt32LE(0) !== MAGIC) return 'the other side does not speak this protocol';
  const version = bytes.readUInt8(4);
  if (version !== PROTOCOL_VERSION)
    return `the other side speaks version ${version} of the protocol, this one ${PROTOCOL_VERSION}`;
  const type = typeOfNumber.get(bytes.readUInt8(5));
  if (type === undefined) return `there is no message of type ${bytes.readUInt8(5)}`;
  const payloadBytes = bytes.readUInt32LE(48);
  if (payloadBytes > payloadLimit[type])
    return `a ${type} message of ${payloadBytes} bytes is longer than the ${payloadLimit[type]} allowed`;
  return {
    type,
    epoch: bytes.readUInt32LE(12),
    sequence: Number(bytes.readBigUInt64LE(16)),
    source: bytes.readUInt16LE(28),
    destination: bytes.readUInt16LE(30),
    phase: bytes.readUInt16LE(32),
    signature: bytes.readUInt32LE(24),
    offset: Number(bytes.readBigUInt64LE(40)),
    payloadBytes,
  };
}
