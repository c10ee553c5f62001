type Numbers = Float64Array<ArrayBufferLike> | Float32Array<ArrayBufferLike>;

/** Bits behind the leading one. */
const FRACTION_BITS = 7;
const LEAST_EXPONENT = -126;

/** The nearest number of bfloat16, of two equally near the one with an even last bit; beyond the largest, infinity. */
export function nearestBfloat16(x: number): number {
  if (x === 0 || !Number.isFinite(x)) return x;
  const unit = 2 ** (Math.max(Math.floor(Math.log2(Math.abs(x))), LEAST_EXPONENT) - FRACTION_BITS);
  const units = Math.abs(x) / unit;
  const below = Math.floor(units);
  const up = units - below > 0.5 || (units - below === 0.5 && below % 2 === 1);
  return Math.sign(x) * Math.fround((up ? below + 1 : below) * unit);
}

/** Writes number `at` of an array with two in each place. @param value one of bfloat16. */
export function putBfloat16(places: Numbers, at: number, value: number): void {
  halves(places)[at] = (new Uint32Array(Float32Array.of(value).buffer)[0] as number) >>> 16;
}

/** Number `at` of an array with two in each place. */
export const bfloat16At = (places: Numbers, at: number): number =>
  new Float32Array(Uint32Array.of((halves(places)[at] as number) << 16).buffer)[0] as number;

const halves = ({ buffer, byteOffset, byteLength }: Numbers): Uint16Array => new Uint16Array(buffer, byteOffset, byteLength / 2);
