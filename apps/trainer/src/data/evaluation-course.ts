import type { Course } from './course.ts';
import { centreView } from './crop.ts';
import type { EvaluationPlan } from './loader-options.ts';

/**
 * Evaluation: every image once over all ranks, in order, unchanged. A rank has a contiguous share, equal to within one image;
 * its last batch is short. An unreadable image is left out: one shown in its stead would count twice.
 */
export function evaluationCourse(length: number, { rank, size, batchSize, imageSize }: EvaluationPlan): Course {
  const first = Math.floor((length * rank) / size);
  const end = Math.floor((length * (rank + 1)) / size);
  return {
    samples(step) {
      const start = first + step * batchSize;
      const count = Math.min(batchSize, end - start);
      return count <= 0 ? undefined : Array.from({ length: count }, (_, i) => ({ index: start + i, epoch: 0 }));
    },
    view: (image) => centreView(image, imageSize),
    replacement: () => undefined,
  };
}
