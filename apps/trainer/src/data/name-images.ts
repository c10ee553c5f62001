import type { UnreadableImage } from './batch.ts';

const namedAtMost = 10;

/** A line for each of the first ten images, and one that counts the rest. @param line what is said of one. */
export function nameImages(images: readonly UnreadableImage[], line: (image: UnreadableImage) => string): string[] {
  const lines = images.slice(0, namedAtMost).map(line);
  const more = images.length - lines.length;
  return more > 0 ? [...lines, `and ${more} more like it, ${images.length} in all`] : lines;
}
