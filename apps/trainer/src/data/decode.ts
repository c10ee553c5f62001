import sharp, { type ResizeOptions, type Sharp } from 'sharp';
import type { Extent } from './crop.ts';
import { decoderNames, formatNames, isImageFile } from './image-format.ts';
import { isFourColourJpeg } from './jpeg-form.ts';
import { bytesOfSixteenBits, isSixteenBitPng } from './sixteen-bits.ts';

/** A decoded image: rows from top to bottom, red, green, blue of every pixel, one byte each. */
export interface Pixels extends Extent {
  readonly data: Uint8Array;
}

// Images are decoded many at a time, one thread each; nothing is decoded twice, so libvips need not remember.
sharp.concurrency(1);
sharp.cache(false);
// Training data may come from anywhere: only the decoders that are wanted may run (TIFF for the sheets of jpeg-sheet.ts). It also saves a fifth
// of the time of a small image, because libvips asks fewer of them whether a file is theirs.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: [...decoderNames, 'VipsForeignLoadTiff'] });

/**
 * Decodes a JPEG, PNG, WebP or GIF file to RGB: upright (EXIF), of an animation the first picture, gray and palettes expanded, alpha laid on white, 16 bits
 * rounded to 8. CMYK and YCCK are converted by colour management, with the file's own profile where it has one. Profiles of other images are
 * ignored, as torchvision does; they would take a third of the time.
 *
 * An image whose short side is longer than `shortSide` is reduced to it on the way, which bounds memory and later work; JPEG does a part
 * of that while it decodes. Twice the size wanted keeps what matters: a crop of a quarter of the area is still not enlarged.
 *
 * @throws an error with libvips's reason if the file is none of these, is cut off or is damaged; a warning alone (bytes between segments) passes.
 */
export async function decode(file: Buffer, shortSide: number): Promise<Pixels> {
  if (!isImageFile(file)) throw new Error(`it is no ${formatNames} file`);
  const image = sharp(file, { failOn: 'error', ignoreIcc: !isFourColourJpeg(file) })
    .autoOrient()
    .resize(within(shortSide));
  return isSixteenBitPng(file) ? ofSixteenBits(image) : ofBytes(image.flatten({ background: 'white' }).toColourspace('srgb'));
}

/** Reduces pixels as `decode` reduces those of a file: the same pixels come out of a format that stores them and of one that packs them. */
export async function reduce({ data, width, height }: Pixels, shortSide: number): Promise<Pixels> {
  if (Math.min(width, height) <= shortSide) return { data, width, height };
  return ofBytes(sharp(data, { raw: { width, height, channels: 3 } }).resize(within(shortSide)));
}

const within = (shortSide: number): ResizeOptions => ({
  width: shortSide,
  height: shortSide,
  fit: 'outside',
  withoutEnlargement: true,
  kernel: 'linear',
});

async function ofBytes(image: Sharp): Promise<Pixels> {
  const { data, width, height, channels } = await pixelsOf(image, 'uchar');
  if (channels !== 3) throw new Error(`it decodes to ${channels} channels instead of 3`);
  return { data, width, height };
}

async function ofSixteenBits(image: Sharp): Promise<Pixels> {
  const { data, width, height, channels } = await pixelsOf(image.toColourspace('rgb16'), 'ushort');
  if (channels !== 3 && channels !== 4) throw new Error(`it decodes to ${channels} channels instead of 3 or 4`);
  const values = new Uint16Array(data.buffer, data.byteOffset, data.length / 2);
  return { data: bytesOfSixteenBits(values, channels), width, height };
}

async function pixelsOf(image: Sharp, depth: 'uchar' | 'ushort') {
  const { data, info } = await image
    .raw({ depth })
    .toBuffer({ resolveWithObject: true })
    .catch((cause: Error) => {
      throw new Error(`libvips cannot decode it: ${cause.message.split('\n', 1)[0]}`, { cause });
    });
  return { data, width: info.width, height: info.height, channels: info.channels };
}
