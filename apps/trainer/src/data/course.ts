import type { Extent, View } from './crop.ts';
import type { Sample } from './epoch-order.ts';

/**
 * What a loader does with a data set: which images a batch is made of, how they are shown, and what takes the place of one that cannot be read.
 * All of it follows from the options and the batch's number, so any batch can be made at any time, on any rank, and comes out the same.
 */
export interface Course {
  /** The images of this rank's batch number `step`, from 0; undefined after the last. */
  samples(step: number): readonly Sample[] | undefined;
  /** The part of an image that is shown. */
  view(image: Extent, sample: Sample): View;
  /** The image to try instead of an unreadable one; undefined leaves its place out. */
  replacement(index: number): number | undefined;
}
