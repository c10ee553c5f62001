import { disc, ring, type Shape, square, star, triangle } from './shapes.ts';
import { checks, circles, dots, plain, stripes, type Texture } from './textures.ts';

/** A kind of picture: a figure of this outline with this pattern on it, in about this hue. Everything else about a picture is left to chance. */
export interface ImageClass {
  readonly name: string;
  readonly shape: Shape;
  readonly texture: Texture;
  /** In turns: 0 red, 1/3 green, 2/3 blue. */
  readonly hue: number;
}

/**
 * The ten classes. Each outline and each pattern belongs to two of them, so that a network that sees only one of the two is right half of the time
 * at most. Hues are a tenth of a turn apart and vary by more than that; classes that share an outline or a pattern have hues that are not mistaken.
 */
export const imageClasses: readonly ImageClass[] = [
  { name: 'checked-square', hue: 0.0, shape: square, texture: checks },
  { name: 'checked-triangle', hue: 0.5, shape: triangle, texture: checks },
  { name: 'circled-ring', hue: 0.2, shape: ring, texture: circles },
  { name: 'circled-star', hue: 0.7, shape: star, texture: circles },
  { name: 'dotted-disc', hue: 0.4, shape: disc, texture: dots },
  { name: 'dotted-square', hue: 0.6, shape: square, texture: dots },
  { name: 'plain-ring', hue: 0.8, shape: ring, texture: plain },
  { name: 'plain-triangle', hue: 0.1, shape: triangle, texture: plain },
  { name: 'striped-disc', hue: 0.9, shape: disc, texture: stripes },
  { name: 'striped-star', hue: 0.3, shape: star, texture: stripes },
];
