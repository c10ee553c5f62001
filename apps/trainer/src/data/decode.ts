import sharp from 'sharp';
import type { Extent } from './crop.ts';

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
sharp.unblock({ operation: ['VipsForeignLoadJpeg', 'VipsForeignLoadPng', 'VipsForeignLoadTiff'] });

/** How the files begin that may be decoded, whatever their names say. */
const signatures = [Buffer.from([0xff, 0xd8]), Buffer.from([0x89, 0x50, 0x4e, 0x47])];

/**
 * Decodes a JPEG or PNG file to RGB: upright (EXIF), gray and CMYK converted, 16 bits brought to 8, alpha dropped, colour profiles ignored
 * (as torchvision does; they would take a third of the time).
 *
 * An image whose short side is longer than `shortSide` is reduced to it on the way, which bounds memory and later work; JPEG does a part
 * of that while it decodes. Twice the size wanted keeps what matters: a crop of a quarter of the area is still not enlarged.
 *
 * @throws an error with libvips's reason if the file is neither, is cut off or is damaged; a warning alone (bytes between segments) passes.
 */
export async function decode(file: Buffer, shortSide: number): Promise<Pixels> {
  if (!signatures.some((signature) => file.subarray(0, signature.length).equals(signature)))
    throw new Error('it is neither a JPEG nor a PNG file');
  const { data, info } = await sharp(file, { failOn: 'error', ignoreIcc: true })
    .autoOrient()
    .resize({ width: shortSide, height: shortSide, fit: 'outside', withoutEnlargement: true, kernel: 'linear' })
    .removeAlpha()
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch((cause: Error) => {
      throw new Error(`libvips cannot decode it: ${cause.message.split('\n', 1)[0]}`, { cause });
    });
  if (info.channels !== 3) throw new Error(`it decodes to ${info.channels} channels instead of 3`);
  return { data, width: info.width, height: info.height };
}
