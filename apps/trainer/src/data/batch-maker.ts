import { setImmediate } from 'node:timers/promises';
import type { Batch, UnreadableImage } from './batch.ts';
import type { Course } from './course.ts';
import type { ImageDataset } from './dataset.ts';
import type { Sample } from './epoch-order.ts';
import { DataError } from './errors.ts';
import type { EvaluationPlan, TrainingPlan } from './loader-options.ts';
import { createPixelSource } from './pixel-source.ts';
import { createResample } from './resample.ts';

/** Memory for a batch; what an earlier one left, or new. */
export interface BatchMemory {
  readonly images: Float32Array<ArrayBuffer>;
  readonly labels: Int32Array<ArrayBuffer>;
}

/** Makes batches one after the other; `make` must not be called before its last promise is settled. */
export interface BatchMaker {
  /** Batch number `step`; undefined after the last. */
  make(step: number): Promise<Batch | undefined>;
  /** Takes back the memory of a batch that is no longer needed. */
  recycle(memory: BatchMemory): void;
  /** Images that turned out unreadable since the last call, each named once. */
  takeUnreadable(): UnreadableImage[];
}

/** Twice the wanted size is what is decoded of a large image; see `decode`. */
const decodedShare = 2;
/** So many images at most are decoded together: more would not be faster, and the first would wait for the last. */
const togetherAtMost = 64;

/**
 * The work of a loader's worker, without the worker: read, decode, keep, show.
 *
 * @throws (from `make`) {DataError} `no-readable-image` if none of the data set can be read.
 */
export function createBatchMaker(dataset: ImageDataset, course: Course, plan: TrainingPlan | EvaluationPlan): BatchMaker {
  const { imageSize, batchSize, decoders } = plan;
  const imageLength = imageSize * imageSize * 3;
  const budgetBytes = plan.task === 'training' ? plan.pixelBudgetBytes : 0;
  const source = createPixelSource(dataset, { shortSide: decodedShare * imageSize, budgetBytes });
  const resample = createResample(imageSize, plan.normalisation);
  const spare: BatchMemory[] = [];

  /** The first readable one among the replacements of an unreadable image; undefined if its place is left out. */
  const substitute = async (unreadable: number) => {
    for (let index = course.replacement(unreadable); index !== undefined; index = course.replacement(index)) {
      if (source.noneReadable()) break;
      const [pixels] = await source.pixelsOf([index]);
      if (pixels) return { index, pixels };
    }
    if (source.noneReadable()) throw noneReadable(dataset, source.takeUnreadable());
    return undefined;
  };

  const fill = async (samples: readonly Sample[], { images, labels }: BatchMemory): Promise<number> => {
    const present = new Array<boolean>(samples.length).fill(false);
    const together = Math.min(togetherAtMost, Math.ceil(samples.length / decoders));
    let next = 0;
    const decodeSome = async () => {
      while (next < samples.length) {
        const first = next;
        next += together;
        const some = samples.slice(first, next);
        const decoded = await source.pixelsOf(some.map((sample) => sample.index));
        for (const [i, sample] of some.entries()) {
          const place = first + i;
          const pixels = decoded[i];
          const shown = pixels ? { index: sample.index, pixels } : await substitute(sample.index);
          if (!shown) continue;
          const target = images.subarray(place * imageLength, (place + 1) * imageLength);
          resample(shown.pixels, course.view(shown.pixels, sample), target);
          labels[place] = dataset.label(shown.index);
          present[place] = true;
          await setImmediate(); // The other decoders go on meanwhile.
        }
      }
    };
    await Promise.all(Array.from({ length: decoders }, decodeSome));
    return closeGaps(present, { images, labels }, imageLength);
  };

  return {
    async make(step) {
      const samples = course.samples(step);
      if (!samples) return undefined;
      const memory = spare.pop() ?? { images: new Float32Array(batchSize * imageLength), labels: new Int32Array(batchSize) };
      const count = await fill(samples, memory);
      return { step, images: memory.images.subarray(0, count * imageLength), labels: memory.labels.subarray(0, count), count };
    },
    recycle: (memory) => spare.push(memory),
    takeUnreadable: source.takeUnreadable,
  };
}

/** Moves what is present to the front, in order. @returns how many there are. */
function closeGaps(present: readonly boolean[], { images, labels }: BatchMemory, imageLength: number): number {
  let count = 0;
  for (const [place, isPresent] of present.entries()) {
    if (!isPresent) continue;
    if (place !== count) {
      images.copyWithin(count * imageLength, place * imageLength, (place + 1) * imageLength);
      labels[count] = labels[place]!;
    }
    count++;
  }
  return count;
}

const noneReadable = (dataset: ImageDataset, reports: readonly UnreadableImage[]) =>
  new DataError(
    'no-readable-image',
    `${dataset.name}: none of its ${dataset.length} images can be read${reports[0] ? `; ${reports[0].name}: ${reports[0].reason}` : ''}.`,
  );
