import { DTensorError } from '../errors.ts';

/** A named float32 or int32 array with its shape. */
export interface NamedArray {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** What a safetensors file holds. */
export interface TensorFile {
  readonly tensors: Readonly<Record<string, NamedArray>>;
  /** Text by text: what else belongs to the tensors. */
  readonly metadata: Readonly<Record<string, string>>;
}

const HEADER_LENGTH_BYTES = 8;
/** The format's own limit. */
const MOST_HEADER_BYTES = 100_000_000;

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/**
 * Encodes arrays as a safetensors file: a little-endian uint64 length, a JSON header that long, the bytes of the tensors.
 *
 * @returns parts to write one after the other, so that large tensors are not copied.
 * @see https://huggingface.co/docs/safetensors
 */
export function encodeSafetensors({ tensors, metadata }: TensorFile): readonly Uint8Array[] {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  const parts: Uint8Array[] = [];
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    header[name] = {
      dtype: data instanceof Float32Array ? 'F32' : 'I32',
      shape,
      data_offsets: [end, end + bytes.length],
    } satisfies Entry;
    parts.push(bytes);
    end += bytes.length;
  }
  // The header is padded with spaces so that the first tensor is aligned.
  const text = JSON.stringify(header);
  const encoded = new TextEncoder().encode(text);
  const padded = Math.ceil(encoded.length / 8) * 8;
  const front = new Uint8Array(HEADER_LENGTH_BYTES + padded).fill(0x20);
  new DataView(front.buffer).setBigUint64(0, BigInt(padded), true);
  front.set(encoded, HEADER_LENGTH_BYTES);
  return [front, ...parts];
}

/**
 * Decodes a safetensors file of float32 and int32 tensors.
 *
 * @throws {DTensorError} `bad-file` for anything that does not fit the format; nothing is allocated from a length that the file claims.
 */
export function decodeSafetensors(bytes: Uint8Array): TensorFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_LENGTH_BYTES) throw bad('is shorter than its header length');
  const headerBytes = Number(view.getBigUint64(0, true));
  if (headerBytes > MOST_HEADER_BYTES || HEADER_LENGTH_BYTES + headerBytes > bytes.length)
    throw bad(`claims a header of ${headerBytes} bytes`);
  const start = HEADER_LENGTH_BYTES + headerBytes;
  const header = parseHeader(bytes.subarray(HEADER_LENGTH_BYTES, start));
  const { __metadata__: metadata = {}, ...entries } = header;
  const tensors: Record<string, NamedArray> = {};
  for (const [name, entry] of Object.entries(entries))
    tensors[name] = decodeEntry(name, entry as Partial<Entry>, bytes.subarray(start));
  return { tensors, metadata: metadata as Readonly<Record<string, string>> };
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof header === 'object' && header !== null && !Array.isArray(header)) return header as Record<string, unknown>;
  } catch {
    // Reported below: whatever is no JSON object is no header.
  }
  throw bad('has a header that is no JSON object');
}

function decodeEntry(name: string, { dtype, shape, data_offsets: offsets }: Partial<Entry>, data: Uint8Array): NamedArray {
  const known = dtype === 'F32' || dtype === 'I32';
  if (!known || !Array.isArray(shape) || !Array.isArray(offsets))
    throw bad(`has an entry "${name}" that is no float32 or int32 tensor`);
  const [from, to] = offsets as readonly [number, number];
  const length = shape.reduce((product: number, d: unknown) => product * Number(d), 1);
  if (!(from >= 0 && to <= data.length && to - from === 4 * length))
    throw bad(`has an entry "${name}" whose bytes do not fit its shape or the file`);
  // A copy: the file's bytes need not be aligned. Not by slice(), which on a Buffer is a view.
  const copy = new Uint8Array(data.subarray(from, to));
  return { shape, data: dtype === 'F32' ? new Float32Array(copy.buffer) : new Int32Array(copy.buffer) };
}

const bad = (what: string) => new DTensorError('bad-file', `safetensors: the file ${what}.`);
