/**
 * The outline of a figure: negative inside, positive outside, about the distance to the edge near it. Figures fill the unit circle more or less;
 * y points down, as in the picture.
 */
export type Shape = (x: number, y: number) => number;

/** A full circle. */
export const disc: Shape = (x, y) => Math.hypot(x, y) - 0.85;

/** A circle with a hole of half its width. */
export const ring: Shape = (x, y) => Math.abs(Math.hypot(x, y) - 0.68) - 0.24;

/** An upright square. */
export const square: Shape = (x, y) => Math.max(Math.abs(x), Math.abs(y)) - 0.75;

/** An equilateral triangle: inside of three edges, whose normals are a third of a turn apart. */
export const triangle: Shape = (x, y) => Math.max(y, Math.sqrt(0.75) * Math.abs(x) - y / 2) - 0.5;

const [point, notch, sector] = [1, 0.42, Math.PI / 5];

/** A star with five points: every tenth of it is a mirrored copy of one, which ends at the line from a point to a notch. */
export const star: Shape = (x, y) => {
  const radius = Math.hypot(x, y);
  const angle = Math.abs(((Math.atan2(x, -y) + 11 * sector) % (2 * sector)) - sector);
  const [edgeX, edgeY] = [notch * Math.cos(sector) - point, notch * Math.sin(sector)];
  const [alongX, alongY] = [radius * Math.cos(angle) - point, radius * Math.sin(angle)];
  return (edgeX * alongY - edgeY * alongX) / -Math.hypot(edgeX, edgeY);
};
