import { loopText } from './language.ts';

const parameters = '(param $to i32) (param $from i32) (param $length i32)';

/**
 * Bits of a float32 whose upper half is the nearest bfloat16, ties to even: adding half a unit, a bit less where the upper half is even, carries into it when it
 * should, also past the largest number, to infinity. A NaN keeps its upper half, quiet, as the payload that is cut off might be all it has.
 */
const rounded = {
  wide: (bits: string) => `(v128.bitselect
        (v128.or ${bits} (v128.const i32x4 0x400000 0x400000 0x400000 0x400000))
        (i32x4.add ${bits} (i32x4.add (v128.const i32x4 0x7fff 0x7fff 0x7fff 0x7fff)
          (v128.and (i32x4.shr_u ${bits} (i32.const 16)) (v128.const i32x4 1 1 1 1))))
        (f32x4.ne ${bits} ${bits}))`,
  narrow: (bits: string) => `(select
        (i32.or ${bits} (i32.const 0x400000))
        (i32.add ${bits} (i32.add (i32.const 0x7fff) (i32.and (i32.shr_u ${bits} (i32.const 16)) (i32.const 1))))
        (i32.gt_u (i32.and ${bits} (i32.const 0x7fffffff)) (i32.const 0x7f800000)))`,
};

/** Upper halves of two vectors of four, in their order. */
const upperHalves = 'i8x16.shuffle 2 3 6 7 10 11 14 15 18 19 22 23 26 27 30 31';

/** Functions `name(to, from, length)` between float32 and bfloat16, which is its upper half: byte addresses, and a number of elements. */
export const conversions = {
  toBfloat16: (name: string) => {
    const widths = { to: 2, from: 4 };
    const wide = `(local.set $low (v128.load (local.get $from))) (local.set $high (v128.load offset=16 (local.get $from)))
      (v128.store (local.get $to) (${upperHalves} ${rounded.wide('(local.get $low)')} ${rounded.wide('(local.get $high)')}))`;
    const narrow = `(local.set $bits (i32.load (local.get $from)))
      (i32.store16 (local.get $to) (i32.shr_u ${rounded.narrow('(local.get $bits)')} (i32.const 16)))`;
    return `(func (export "${name}") ${parameters} (local $low v128) (local $high v128) (local $bits i32)
    ${loopText(widths, 8, wide)} ${loopText(widths, 1, narrow)})`;
  },
  fromBfloat16: (name: string) => {
    const widths = { to: 4, from: 2 };
    const vector = (u: number) =>
      `(v128.store offset=${16 * u} (local.get $to) (i32x4.shl (v128.load16x4_u offset=${8 * u} (local.get $from)) (i32.const 16)))`;
    const narrow = '(i32.store (local.get $to) (i32.shl (i32.load16_u (local.get $from)) (i32.const 16)))';
    return `(func (export "${name}") ${parameters} ${loopText(widths, 8, `${vector(0)} ${vector(1)}`)} ${loopText(widths, 1, narrow)})`;
  },
} as const satisfies Record<string, (name: string) => string>;
