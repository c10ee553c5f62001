/**
 * A small language for element-wise kernels. A kernel is written once, as an expression over arrays and scalars; from it come the SIMD
 * loop, four vectors of four floats a turn, and the scalar loop for what is left over.
 */
export interface Expression {
  /** WebAssembly text of the value: of one float (`f32`), or of vector number `unroll` of a turn (`f32x4`). */
  readonly text: (lane: 'f32' | 'f32x4', unroll: number) => string;
}

const operator =
  (name: string) =>
  (...operands: readonly Expression[]): Expression => ({
    text: (lane, unroll) => `(${lane}.${name} ${operands.map((operand) => operand.text(lane, unroll)).join(' ')})`,
  });

export const add = operator('add');
export const subtract = operator('sub');
export const multiply = operator('mul');
export const divide = operator('div');
export const squareRoot = operator('sqrt');

/** The element of an array at which the loop stands. */
export const element = (array: string): Expression => ({
  text: (lane, unroll) => `(${lane === 'f32' ? 'f32' : 'v128'}.load offset=${16 * unroll} (local.get $${array}))`,
});

/** A number that is the same for all elements. */
export const scalar = (name: string): Expression => ({
  text: (lane) => (lane === 'f32' ? `(local.get $${name})` : `(f32x4.splat (local.get $${name}))`),
});

/** A kernel `name(arrays..., length, scalars...)`: arrays are byte addresses, length counts elements. */
export interface Kernel {
  readonly arrays: readonly string[];
  readonly scalars: readonly string[];
  /** Stored to the first array; or its squares are summed in float64 and returned. */
  readonly store?: Expression;
  readonly sumOfSquares?: Expression;
}

const UNROLL = 4;
const indices = [...Array(UNROLL).keys()];

/** A loop over `$length` elements, so many a turn, as long as there are as many. @param widths bytes of an element of each array, which advance. */
export function loopText(widths: Readonly<Record<string, number>>, elements: number, body: string): string {
  const advance = Object.entries(widths).map(
    ([array, width]) => `(local.set $${array} (i32.add (local.get $${array}) (i32.const ${width * elements})))`,
  );
  return `
    (block $done (loop $next
      (br_if $done (i32.lt_u (local.get $length) (i32.const ${elements})))
      ${body}
      ${advance.join(' ')}
      (local.set $length (i32.sub (local.get $length) (i32.const ${elements})))
      (br $next)))`;
}

/** @returns the text of one exported function. */
export function kernelText(name: string, { arrays, scalars, store, sumOfSquares }: Kernel): string {
  const widths = Object.fromEntries(arrays.map((array) => [array, 4]));
  const loop = (elements: number, body: string) => loopText(widths, elements, body);
  const parameters = `${arrays.map((array) => `(param $${array} i32)`).join(' ')} (param $length i32) ${scalars.map((s) => `(param $${s} f32)`).join(' ')}`;
  if (store !== undefined) {
    const wide = indices
      .map((u) => `(v128.store offset=${16 * u} (local.get $${arrays[0]}) ${store.text('f32x4', u)})`)
      .join('\n      ');
    const narrow = `(f32.store (local.get $${arrays[0]}) ${store.text('f32', 0)})`;
    return `(func (export "${name}") ${parameters} ${loop(4 * UNROLL, wide)} ${loop(1, narrow)})`;
  }
  if (sumOfSquares === undefined) throw new Error(`kernel ${name} neither stores nor sums`);
  // Two float64 sums of two lanes a vector, so that additions of different vectors don't wait for one another.
  const locals = indices.map((u) => `(local $low${u} v128) (local $high${u} v128)`).join(' ');
  const accumulate = (sum: string, half: string) =>
    `(local.set $half ${half}) (local.set $${sum} (f64x2.add (local.get $${sum}) (f64x2.mul (local.get $half) (local.get $half))))`;
  const wide = indices
    .map(
      (u) => `(local.set $vector ${sumOfSquares.text('f32x4', u)})
      ${accumulate(`low${u}`, '(f64x2.promote_low_f32x4 (local.get $vector))')}
      ${accumulate(`high${u}`, '(f64x2.promote_low_f32x4 (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $vector) (local.get $vector)))')}`,
    )
    .join('\n      ');
  const narrow = `(local.set $one (f64.promote_f32 ${sumOfSquares.text('f32', 0)}))
      (local.set $sum (f64.add (local.get $sum) (f64.mul (local.get $one) (local.get $one))))`;
  const total = indices
    .flatMap((u) => [`low${u}`, `high${u}`])
    .map((sum) => `(local.get $${sum})`)
    .reduce((left, right) => `(f64x2.add ${left} ${right})`);
  return `(func (export "${name}") ${parameters} (result f64) (local $vector v128) (local $half v128) (local $sum f64) (local $one f64) ${locals}
    ${loop(4 * UNROLL, wide)}
    (local.set $vector ${total})
    (local.set $sum (f64.add (f64x2.extract_lane 0 (local.get $vector)) (f64x2.extract_lane 1 (local.get $vector))))
    ${loop(1, narrow)}
    (local.get $sum))`;
}

/** @returns the text of a module that exports each function and works on an imported shared memory. */
export function moduleText(functions: readonly string[]): string {
  return `(module (import "engine" "memory" (memory 1 65536 shared))\n${functions.join('\n')})`;
}
