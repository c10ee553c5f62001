import fc from 'fast-check';
import { expect, test } from 'vitest';
import { evaluationCourse } from './evaluation-course.ts';
import { evaluationPlan } from './loader-options.ts';

test('shows every image exactly once over all ranks, in shares equal to within one image, in full batches but the last', () => {
  const small = fc.integer({ min: 1, max: 9 });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100 }), small, small, (length, size, batchSize) => {
      const shares = Array.from({ length: size }, (_, rank) => {
        const course = evaluationCourse(length, evaluationPlan({ imageSize: 32, batchSize, rank, size }));
        const batches = [];
        for (let batch = course.samples(0); batch; batch = course.samples(batches.length)) batches.push(batch);
        for (const batch of batches.slice(0, -1)) expect(batch.length).toBe(batchSize);
        for (const batch of batches) expect(batch.length).toBeGreaterThan(0);
        return batches.flat().map((sample) => sample.index);
      });
      expect(shares.flat()).toEqual(Array.from({ length }, (_, i) => i));
      const lengths = shares.map((share) => share.length);
      expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
    }),
  );
});
