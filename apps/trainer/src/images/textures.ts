/** A pattern of two colours: how much of the second shows at a place, from 0 to 1. Patterns repeat about once a unit. */
export type Texture = (x: number, y: number) => number;

/** Turns a wave between -1 and 1 into two flat tones with a soft edge. */
const twoTone = (wave: number) => Math.min(1, Math.max(0, 0.5 + 2.5 * wave));
const wave = (t: number) => Math.cos(2 * Math.PI * t);

/** Bands of equal width. */
export const stripes: Texture = (x) => twoTone(wave(x));

/** Round spots on a square grid. */
export const dots: Texture = (x, y) => twoTone((wave(x) + wave(y) - 0.7) / 1.3);

/** A chessboard. */
export const checks: Texture = (x, y) => twoTone(1.5 * wave(x / 1.4) * wave(y / 1.4));

/** Circles around one place, in the middle of the figure or near it. */
export const circles: Texture = (x, y) => twoTone(wave(Math.hypot(x, y)));

/** A smooth change from one colour to the other, no edges at all. */
export const plain: Texture = (x) => 0.5 + 0.4 * Math.sin(x * 0.6);
