import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { trainingPlan } from './loader-options.ts';
import { trainingCourse } from './training-course.ts';

const course = (length: number, { rank = 0, size = 1, batchSize = 4, seed = 9 }) =>
  trainingCourse(length, trainingPlan({ imageSize: 32, batchSize, rank, size, seed }));
const small = fc.integer({ min: 1, max: 8 });

describe('trainingCourse', () => {
  test('gives several ranks together what one rank with the whole batch has, in the same order and augmented alike', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), small, small, fc.nat(20), (length, size, batchSize, step) => {
        const alone = course(length, { batchSize: batchSize * size });
        const samples = alone.samples(step)!;
        const together = Array.from({ length: size }, (_, rank) => course(length, { rank, size, batchSize }));
        expect(together.flatMap((ranks) => ranks.samples(step)!)).toEqual(samples);
        const image = { width: 300, height: 200 };
        for (const sample of samples) {
          for (const ranks of together) expect(ranks.view(image, sample)).toEqual(alone.view(image, sample));
        }
      }),
    );
  });

  test('makes a batch of the step alone: what came before does not matter', () => {
    const walked = course(17, {});
    const steps = Array.from({ length: 30 }, (_, step) => walked.samples(step));
    for (const step of [29, 3, 12, 0]) expect(course(17, {}).samples(step)).toEqual(steps[step]);
  });

  test('shows an image differently in every epoch and under every seed', () => {
    const image = { width: 300, height: 200 };
    const views = [0, 1, 2].flatMap((epoch) => [1, 2].map((seed) => course(10, { seed }).view(image, { index: 3, epoch })));
    expect(new Set(views.map((view) => JSON.stringify(view))).size).toBe(6);
  });

  test('replaces along the data set, round its end, and so by every image at last', () => {
    const { replacement } = course(5, {});
    const chain = [3];
    while (chain.length < 5) chain.push(replacement(chain.at(-1)!)!);
    expect(chain).toEqual([3, 4, 0, 1, 2]);
  });
});
