/**
 * The little of WebAssembly's binary format that the kernels need: numbers, sections, and the instructions by name.
 *
 * Written out by hand, so that no compiler is needed, neither where the package is built nor where it runs, and a module can be
 * made for the group's own number of ranks.
 *
 * @see https://webassembly.github.io/spec/core/binary/ and the fixed-width SIMD and threads proposals, both long merged.
 */

/** Instructions, or any other part of a module, as bytes. */
export type Bytes = readonly number[];

/** An unsigned integer, LEB128. */
export function unsigned(value: number): Bytes {
  const bytes: number[] = [];
  do {
    const low = value % 128;
    value = Math.floor(value / 128);
    bytes.push(value === 0 ? low : low | 0x80);
  } while (value !== 0);
  return bytes;
}

/** A signed 32-bit integer, LEB128. */
export function signed(value: number): Bytes {
  const bytes: number[] = [];
  for (;;) {
    const low = value & 0x7f;
    value >>= 7;
    const last = (value === 0 && (low & 0x40) === 0) || (value === -1 && (low & 0x40) !== 0);
    bytes.push(last ? low : low | 0x80);
    if (last) return bytes;
  }
}

const vector = (items: readonly Bytes[]): Bytes => [...unsigned(items.length), ...items.flat()];
const name = (text: string): Bytes => [...unsigned(text.length), ...[...text].map((c) => c.charCodeAt(0))];
const section = (id: number, content: Bytes): Bytes => [id, ...unsigned(content.length), ...content];

/** Types of parameters and locals. */
export const type = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const;

const simd = (opcode: number): Bytes => [0xfd, ...unsigned(opcode)];
// Alignment 0 ("any") everywhere: ranges start at any element.
const access =
  (opcode: number, ...lane: number[]) =>
  (offset: number): Bytes => [...simd(opcode), 0, ...unsigned(offset), ...lane];

/** Pushes a local. */
export const get = (local: number): Bytes => [0x20, ...unsigned(local)];
/** Pops into a local. */
export const set = (local: number): Bytes => [0x21, ...unsigned(local)];
/** Pushes a number. */
export const constant = (value: number): Bytes => [0x41, ...signed(value)];

/** Instructions by the names that the specification gives them. */
export const op = {
  i32: { add: [0x6a], and: [0x71], geU: [0x4f] },
  f32x4: { splat: simd(0x13), add: simd(0xe4), mul: simd(0xe6), min: simd(0xe8), max: simd(0xe9) },
  f64x2: { splat: simd(0x14), add: simd(0xf0), mul: simd(0xf2), min: simd(0xf4), max: simd(0xf5) },
  i32x4: { add: simd(0xae), min: simd(0xb6), max: simd(0xb8) },
  v128: {
    load: access(0x00),
    load32Splat: access(0x09),
    load64Splat: access(0x0a),
    store: access(0x0b),
    store32Lane0: access(0x5a, 0),
    store64Lane0: access(0x5b, 0),
  },
  memoryCopy: [0xfc, 0x0a, 0x00, 0x00],
} as const;

/** `while (i < end) { body; i += stride }`, unsigned. */
export const countedLoop = (i: number, options: { end: number; stride: number; body: Bytes }): Bytes => [
  ...[0x02, 0x40, 0x03, 0x40], // block, loop
  ...[...get(i), ...get(options.end), ...op.i32.geU, 0x0d, 1], // leave the block
  ...options.body,
  ...[...get(i), ...constant(options.stride), ...op.i32.add, ...set(i)],
  ...[0x0c, 0, 0x0b, 0x0b], // again; end, end
];

/** A function that returns nothing. */
export interface WasmFunction {
  readonly name: string;
  readonly parameters: readonly number[];
  readonly locals: readonly number[];
  readonly body: Bytes;
}

/** A module that exports `functions` and imports one shared memory of any size as `env.memory`. */
export function wasmModule(functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const types = functions.map((f): Bytes => [0x60, ...vector(f.parameters.map((t) => [t])), 0]);
  const memory = [...name('env'), ...name('memory'), 0x02, 0x03, ...unsigned(1), ...unsigned(65536)]; // shared, 1 to 65536 pages
  const exported = functions.map((f, i): Bytes => [...name(f.name), 0x00, ...unsigned(i)]);
  const code = functions.map((f): Bytes => {
    const body = [...vector(f.locals.map((t) => [1, t])), ...f.body, 0x0b];
    return [...unsigned(body.length), ...body];
  });
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vector(types)),
    ...section(2, vector([memory])),
    ...section(3, vector(functions.map((_, i) => unsigned(i)))),
    ...section(7, vector(exported)),
    ...section(10, vector(code)),
  ]);
}
