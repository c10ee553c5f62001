/** Red, green and blue from 0 to 1. */
export type Colour = readonly [number, number, number];

/** How far apart colours must be in the cube, at least, for one to stand out from the other. */
const distinct = 0.4;

/**
 * A colour of any brightness that stands out from some others: drawn until it does. One of black and white always does if at most one of
 * the others is near to gray.
 *
 * @param strength 0 for grays, 1 for all colours alike, between them for muted ones.
 */
export function colourApart(others: readonly Colour[], strength: number, random: () => number): Colour {
  for (;;) {
    const gray = 0.08 + 0.84 * random();
    const channel = () => gray + strength * (0.08 + 0.84 * random() - gray);
    const colour = [channel(), channel(), channel()] as const;
    if (others.every((other) => Math.hypot(colour[0] - other[0], colour[1] - other[1], colour[2] - other[2]) >= distinct))
      return colour;
  }
}

/**
 * A strong colour of about a hue.
 *
 * @param hue in turns: 0 red, 1/3 green, 2/3 blue.
 * @param spread by how much the hue may be off, in turns.
 */
export function colourOfHue(hue: number, spread: number, random: () => number): Colour {
  const turn = hue + spread * (2 * random() - 1);
  const saturation = 0.55 + 0.4 * random();
  const value = 0.6 + 0.35 * random();
  // Each channel is full for a third of a turn around its own hue, absent for a third opposite to it, and on its way in between.
  const channel = (offset: number) => {
    const away = Math.abs(((((turn - offset) % 1) + 1.5) % 1) - 0.5);
    return value * (1 - saturation * Math.min(1, Math.max(0, 6 * away - 1)));
  };
  return [channel(0), channel(1 / 3), channel(2 / 3)];
}
