/** A stream of numbers that depends on its seed alone (mulberry32), so that a failing test fails again. */
export interface Random {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Standard normal (Box and Muller). */
  normal(): number;
  /** Integer in [low, high]. */
  integer(low: number, high: number): number;
  /** `length` standard normal float32 values. */
  normals(length: number): Float32Array;
  /** `length` small integers over 256, of magnitude at most 1: float32 adds and multiplies them exactly. */
  dyadics(length: number): Float32Array;
}

/** @returns the stream that belongs to `seed`. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const integer = (low: number, high: number) => low + Math.floor(uniform() * (high - low + 1));
  return {
    uniform,
    normal,
    integer,
    normals: (length) => Float32Array.from({ length }, normal),
    dyadics: (length) => Float32Array.from({ length }, () => integer(-256, 256) / 256),
  };
}
