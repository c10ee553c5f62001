import type { Course } from './course.ts';
import { randomView } from './crop.ts';
import { sampleStream } from './epoch-order.ts';
import { keyedRandom, purpose } from './keyed-random.ts';
import type { TrainingPlan } from './loader-options.ts';

/**
 * Training: an endless, shuffled, augmented stream. A step takes `size * batchSize` images from it and cuts them in rank order, so that two
 * ranks with batches of b see what one rank with batches of 2b sees.
 *
 * An unreadable image is replaced by the next one in the data set, shown as the missing one would have been.
 */
export function trainingCourse(length: number, { seed, rank, size, batchSize, augmentation }: TrainingPlan): Course {
  const sampleAt = sampleStream(length, seed);
  return {
    samples(step) {
      const start = (step * size + rank) * batchSize;
      return Array.from({ length: batchSize }, (_, i) => sampleAt(start + i));
    },
    view: (image, { index, epoch }) => randomView(image, augmentation, keyedRandom(seed, purpose.augmentation, epoch, index)),
    replacement: (index) => (index + 1) % length,
  };
}
