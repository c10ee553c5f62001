import type { Extent } from './crop.ts';
import type { Pixels } from './decode.ts';

/** Gray to RGB: the same value three times. @param gray [height, width]. */
export function fromGray(gray: Uint8Array, { width, height }: Extent): Pixels {
  const data = new Uint8Array(3 * gray.length);
  for (let i = 0, at = 0; i < gray.length; i++) {
    const value = gray[i]!;
    data[at++] = value;
    data[at++] = value;
    data[at++] = value;
  }
  return { data, width, height };
}
