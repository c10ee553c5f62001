import { createHash } from 'node:crypto';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, test } from 'vitest';
import { decode, type Pixels } from './decode.ts';
import { decodeMany } from './decode-many.ts';
import { plainJpegForm } from './jpeg-form.ts';
import { decodeSheet } from './jpeg-sheet.ts';
import { keyedRandom } from './keyed-random.ts';

/** A picture with detail in brightness and colour. */
function noise(seed: number, width: number, height: number): Sharp {
  const random = keyedRandom(seed);
  const data = Uint8Array.from({ length: width * height * 3 }, () => random() * 256);
  return sharp(data, { raw: { width, height, channels: 3 } });
}
/** An image in a few characters, or that there is none: what libvips says of an error is lost now and then when several threads decode. */
const digest = (image: Pixels | Error) =>
  image instanceof Error ? 'failed' : `${image.width} x ${image.height} ${createHash('sha256').update(image.data).digest('hex')}`;
const together = async (files: readonly Buffer[], shortSide: number) => (await decodeMany(files, shortSide)).map(digest);
const alone = (files: readonly Buffer[], shortSide: number) =>
  Promise.all(files.map((file) => decode(file, shortSide).then(digest, digest)));

describe('decodeSheet', () => {
  test.each([
    [32, 32],
    [1, 1],
    [7, 5],
    [33, 17],
    [17, 33],
    [200, 16],
  ])('gives the pixels that each file gives alone: %i x %i', async (width, height) => {
    for (const chromaSubsampling of ['4:2:0', '4:4:4']) {
      const files = await Promise.all(
        [1, 2, 3, 4, 5].map((seed) =>
          noise(seed, width, height)
            .jpeg({ chromaSubsampling, quality: 50 + 9 * seed })
            .toBuffer(),
        ),
      );
      expect((await decodeSheet(files, plainJpegForm(files[0]!)!)).map(digest)).toEqual(await alone(files, 1000));
    }
  });

  test('fails as a whole if one of them is cut off, be it by a byte', async () => {
    const files = await Promise.all([1, 2, 3].map((seed) => noise(seed, 32, 32).jpeg().toBuffer()));
    const form = plainJpegForm(files[0]!)!;
    for (const missing of [3, 100, 300]) {
      const cut = [files[0]!, files[1]!.subarray(0, -missing), files[2]!];
      await expect(decodeSheet(cut, form)).rejects.toThrow();
    }
  });
});

describe('decodeMany', () => {
  test('agrees with decode on every kind of file, in order, errors included', async () => {
    const whole = await noise(9, 24, 24).jpeg().toBuffer();
    const files = [
      await noise(1, 24, 24).jpeg().toBuffer(),
      await noise(2, 40, 30).png().toBuffer(),
      Buffer.from('no image'),
      await noise(3, 24, 24).jpeg().toBuffer(),
      await noise(4, 30, 24).jpeg().toBuffer(),
      whole.subarray(0, -60),
      await noise(5, 24, 24).toColourspace('b-w').jpeg().toBuffer(),
      await noise(6, 24, 24).jpeg({ progressive: true }).toBuffer(),
      await noise(7, 30, 24).jpeg().toBuffer(),
      await noise(8, 500, 400).jpeg().toBuffer(),
      await noise(8, 300, 400).jpeg().toBuffer(),
      whole,
    ];
    for (const shortSide of [1000, 28, 20]) {
      const digests = await together(files, shortSide);
      expect(digests).toEqual(await alone(files, shortSide));
      expect(digests.flatMap((image, i) => (image === 'failed' ? [i] : []))).toEqual([2, 5]);
    }
    expect(await decodeMany([], 100)).toEqual([]);
  });

  test('takes much less time for small images than one by one', async () => {
    const files = await Promise.all(Array.from({ length: 64 }, (_, seed) => noise(seed, 32, 32).jpeg().toBuffer()));
    const cpuOf = async (work: () => Promise<unknown>) => {
      await work();
      const before = process.cpuUsage();
      for (let i = 0; i < 5; i++) await work();
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    // About a ninth on an idle machine; noise of another job does not make it a half.
    expect(await cpuOf(() => decodeMany(files, 64))).toBeLessThan((await cpuOf(() => alone(files, 64))) / 2);
  });
});
