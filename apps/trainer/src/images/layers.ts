import type { Colour } from './colour.ts';
import type { Scene } from './scene.ts';

/** A function of a place in the picture; (0, 0) is its upper left and (1, 1) its lower right corner. */
export type At = (x: number, y: number) => number;

/** Something in two colours that covers what was painted before it. */
export interface Layer {
  readonly colours: readonly [Colour, Colour];
  /** How much of the second colour shows, 0 to 1. */
  readonly share: At;
  /** About the distance to its edge, negative inside, in sides of the picture. */
  readonly distance: At;
  /** It lies within this distance of this place. */
  readonly bounds: { readonly x: number; readonly y: number; readonly reach: number };
}

/** A scene from back to front: the ground, the blots on it, the figure. */
export const layersOf = ({ background, figure }: Scene): Layer[] => [
  ground(background),
  ...background.blots.map(blotLayer),
  figureLayer(figure),
];

function ground({ colours, angle }: Scene['background']): Layer {
  const [cosine, sine] = [Math.cos(angle) / Math.SQRT2, Math.sin(angle) / Math.SQRT2];
  return {
    colours,
    share: (x, y) => 0.5 + (x - 0.5) * cosine + (y - 0.5) * sine,
    distance: () => -1,
    bounds: { x: 0.5, y: 0.5, reach: 0.5 },
  };
}

function blotLayer({ x, y, radius, colour }: Scene['background']['blots'][number]): Layer {
  return {
    colours: [colour, colour],
    share: () => 0,
    distance: (atX, atY) => Math.hypot(atX - x, atY - y) - radius,
    bounds: { x, y, reach: radius },
  };
}

/** The figure is drawn in coordinates of its own: its middle at 0, its size 1, turned and squashed. */
function figureLayer({ shape, texture, x, y, radius, angle, squash, repeats, phase, colours }: Scene['figure']): Layer {
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const across: At = (atX, atY) => ((atX - x) * cosine + ((atY - y) / squash) * sine) / radius;
  const along: At = (atX, atY) => (((atY - y) / squash) * cosine - (atX - x) * sine) / radius;
  return {
    colours,
    share: (atX, atY) => texture(across(atX, atY) * repeats + phase, along(atX, atY) * repeats),
    distance: (atX, atY) => shape(across(atX, atY), along(atX, atY)) * radius,
    bounds: { x, y, reach: radius * Math.max(1, squash) * Math.SQRT2 },
  };
}
