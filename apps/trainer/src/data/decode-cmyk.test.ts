import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { decode } from './decode.ts';
import { isFourColourJpeg } from './jpeg-form.ts';

const side = 16;
type Ink = readonly [cyan: number, magenta: number, yellow: number, black: number];

/** A picture of one ink mixture as a CMYK JPEG without a profile, as sharp writes it: with Adobe's marker, inverted. */
async function inkJpeg(ink: Ink): Promise<Buffer> {
  const file = await sharp(inkTiff(ink)).pipelineColourspace('cmyk').toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer();
  expect((await sharp(file).metadata()).space).toBe('cmyk');
  return file;
}

/** The same as an uncompressed TIFF, the one file that can say its inks plainly. All numbers are little-endian. */
function inkTiff(ink: Ink): Buffer {
  const pixels = Buffer.from(Array.from({ length: side * side }, () => ink).flat());
  // Number, type (3: 16 bits, 4: 32 bits), count, value: width, height, bits, no compression, CMYK, where, samples, rows in the strip, its bytes.
  const fields = [
    [256, 3, 1, side], [257, 3, 1, side], [258, 3, 4, 122], [259, 3, 1, 1], [262, 3, 1, 5], [273, 4, 1, 130], [277, 3, 1, 4], [278, 3, 1, side], [279, 4, 1, pixels.length],
  ] as const; // biome-ignore format: a table
  const head = Buffer.alloc(130);
  head.set([0x49, 0x49, 42, 0, 8, 0, 0, 0, fields.length, 0]);
  for (const [i, [number, type, count, value]] of fields.entries()) {
    head.writeUInt16LE(number, 10 + 12 * i);
    head.writeUInt16LE(type, 12 + 12 * i);
    head.writeUInt32LE(count, 14 + 12 * i);
    head.writeUInt32LE(value, 18 + 12 * i);
  }
  for (let i = 0; i < 4; i++) head.writeUInt16LE(8, 122 + 2 * i);
  return Buffer.concat([head, pixels]);
}

const middle = ({ data }: { readonly data: Uint8Array }): number[] => [...data.subarray(3 * (side + 1), 3 * (side + 2))];
/** What colour management makes of inks without a file's own profile. */
const managed = async (ink: Ink) => middle({ data: await sharp(inkTiff(ink)).toColourspace('srgb').raw().toBuffer() });
const adobe = Buffer.from('Adobe', 'latin1');
const distance = (a: readonly number[], b: readonly number[]) => Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

describe('CMYK', () => {
  test.each([
    ['no ink', [0, 0, 0, 0]],
    ['cyan', [255, 0, 0, 0]],
    ['magenta', [0, 255, 0, 0]],
    ['yellow', [0, 0, 255, 0]],
    ['black', [0, 0, 0, 255]],
    ['a brown', [40, 160, 230, 60]],
  ] as const)('%s becomes what colour management makes of it', async (_name, ink) => {
    const file = await inkJpeg(ink);
    expect(isFourColourJpeg(file)).toBe(true);
    // JPEG's own rounding of four components, up to 2 of 255 each.
    expect(distance(middle(await decode(file, 1000)), await managed(ink))).toBeLessThan(6);
  });

  test('is neither inverted nor taken for RGB', async () => {
    const white = middle(await decode(await inkJpeg([0, 0, 0, 0]), 1000));
    expect(Math.min(...white)).toBeGreaterThan(250);
    const black = middle(await decode(await inkJpeg([200, 200, 200, 255]), 1000));
    expect(Math.max(...black)).toBeLessThan(40);
    const [red, green, blue] = middle(await decode(await inkJpeg([255, 0, 0, 0]), 1000)) as [number, number, number];
    expect(red).toBeLessThan(green);
    expect(green).toBeLessThan(blue);
  });

  test('as YCCK, which Adobe’s marker tells, is turned back to inks first', async () => {
    const ink: Ink = [0, 159, 235, 48];
    const file = await inkJpeg(ink);
    const stored = ink.map((value) => 255 - value) as [number, number, number, number];
    // Transform 2 in place of 0: the same numbers now mean brightness, blue and red differences, and black.
    const patched = Buffer.from(file);
    patched[patched.indexOf(adobe) + 11] = 2;
    expect(isFourColourJpeg(patched)).toBe(true);
    const [y, cb, cr, k] = stored;
    const clamp = (value: number) => Math.min(255, Math.max(0, Math.round(value)));
    // R = y + 1.402 (cr - 128) ...; the inks are stored inverted, 255 - R, and Adobe inverts them once more.
    const [red, green, blue] = [
      y + 1.402 * (cr - 128),
      y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128),
      y + 1.772 * (cb - 128),
    ].map(clamp) as [number, number, number];
    const expected = await managed([red, green, blue, 255 - k]);
    expect(distance(middle(await decode(patched, 1000)), expected)).toBeLessThan(6);
  });

  test('is converted with the profile of the file, where there is one', async () => {
    const file = await sharp({ create: { width: side, height: side, channels: 3, background: { r: 200, g: 100, b: 50 } } })
      .toColourspace('cmyk')
      .withIccProfile('cmyk')
      .jpeg({ quality: 100 })
      .toBuffer();
    // The same with the profile's curve for cyan reversed: another colour, unless the profile is passed over.
    const other = Buffer.from(file);
    const table = tableAt(other, 'A2B0');
    const points = other.readUInt16BE(table + 48);
    const curve = other.subarray(table + 52, table + 52 + 2 * points);
    curve.swap16().reverse();
    const [own, reversed] = [middle(await decode(file, 1000)), middle(await decode(other, 1000))];
    expect(distance(own, [200, 100, 50])).toBeLessThan(30);
    expect(distance(own, reversed)).toBeGreaterThan(20);
  });

  test('is damaged like any other', async () => {
    const file = await inkJpeg([1, 2, 3, 4]);
    await expect(decode(file.subarray(0, file.length - 20), 1000)).rejects.toThrow(/libvips cannot decode it/);
  });
});

/**
 * Where a table of the profile in a JPEG begins. The first piece of the profile is long enough to hold it.
 *
 * @see ICC.1, 7.3 and 10.10: 4 bytes of name, of offset and of length a table; a table of 16 bits has its input curves at byte 52.
 */
function tableAt(file: Buffer, name: string): number {
  const profile = file.indexOf('ICC_PROFILE', 0, 'latin1') + 14;
  const table = profile + file.readUInt32BE(file.indexOf(name, profile, 'latin1') + 4);
  expect(file.toString('latin1', table, table + 4)).toBe('mft2');
  return table;
}
