import type { ImageClass } from './classes.ts';
import { type Colour, colourApart, colourOfHue } from './colour.ts';

/** A round blot in the background. Lengths are shares of the picture's side. */
export interface Blot {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly colour: Colour;
}

/** Everything that can be seen in a picture, as numbers. Lengths are shares of the picture's side, angles in radians. */
export interface Scene {
  readonly figure: {
    readonly shape: ImageClass['shape'];
    readonly texture: ImageClass['texture'];
    readonly x: number;
    readonly y: number;
    readonly radius: number;
    readonly angle: number;
    /** Height over width. */
    readonly squash: number;
    /** How often the pattern repeats over the radius, and where it begins. */
    readonly repeats: number;
    readonly phase: number;
    readonly colours: readonly [Colour, Colour];
  };
  readonly background: {
    readonly colours: readonly [Colour, Colour];
    readonly angle: number;
    readonly blots: readonly Blot[];
  };
  readonly light: {
    /** Overall brightness. */
    readonly exposure: number;
    /** By how much one side is brighter than the middle, and which. */
    readonly slope: number;
    readonly angle: number;
  };
  /** Deviation of the noise in every value, on the scale 0 to 1. */
  readonly noise: number;
}

/** By how much a figure's hue may be off, in turns: the classes with the next hues are mistaken for it half of the time. */
const hueSpread = 0.1;
/** By how much a figure may lean to either side, in radians. */
const tilt = 0.6;

/** Draws a scene of a class by lot: place, size, turn, colours, background, light and noise. */
export function composeScene({ shape, texture, hue }: ImageClass, random: () => number): Scene {
  const between = (low: number, high: number) => low + random() * (high - low);
  const turn = () => between(0, 2 * Math.PI);
  const radius = between(0.3, 0.44);
  const squash = between(0.85, 1.1);
  const first = colourOfHue(hue, hueSpread, random);
  const second = colourApart([first], 0.3, random);
  const background = () => colourApart([first, second], 0.6, random);
  return {
    figure: {
      shape,
      texture,
      x: between(radius, 1 - radius),
      y: between(radius * squash, 1 - radius * squash),
      radius,
      angle: between(-tilt, tilt),
      squash,
      repeats: between(1.5, 2.2),
      phase: between(0, 1),
      colours: [first, second],
    },
    background: {
      colours: [background(), background()],
      angle: turn(),
      blots: Array.from({ length: Math.floor(between(1, 6)) }, () => ({
        x: random(),
        y: random(),
        radius: between(0.03, 0.09),
        colour: background(),
      })),
    },
    light: { exposure: between(0.7, 1.2), slope: between(0, 0.35), angle: turn() },
    noise: between(0.01, 0.05),
  };
}
