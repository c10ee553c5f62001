import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { decode } from './decode.ts';

const [width, height] = [40, 30];
const plain = () => sharp({ create: { width, height, channels: 3, background: { r: 200, g: 100, b: 50 } } });
const firstPixel = (image: { data: Uint8Array }) => [...image.data.subarray(0, 3)];
const noisy = () =>
  sharp({
    create: { width: 400, height: 300, channels: 3, background: 'white', noise: { type: 'gaussian', mean: 128, sigma: 30 } },
  }).jpeg();

describe('decode', () => {
  test.each([
    ['JPEG', () => plain().jpeg()],
    ['progressive JPEG', () => plain().jpeg({ progressive: true })],
    ['PNG', () => plain().png()],
    ['PNG with a palette', () => plain().png({ palette: true })],
    ['interlaced PNG', () => plain().png({ progressive: true })],
    ['WebP', () => plain().webp({ lossless: true })],
    ['GIF', () => plain().gif()],
  ])('gives RGB bytes for a %s', async (_, file) => {
    const image = await decode(await file().toBuffer(), 1000);
    expect([image.width, image.height, image.data.length]).toEqual([width, height, width * height * 3]);
    expect(firstPixel(image)).toEqual([200, 100, 50]);
  });

  test.each([
    ['gray JPEG', () => plain().toColourspace('b-w').jpeg()],
    ['gray PNG', () => plain().toColourspace('b-w').png()],
    ['gray PNG of 16 bits', () => plain().toColourspace('grey16').png()],
  ])('makes three equal channels of a %s', async (_, file) => {
    const bytes = await file().toBuffer();
    expect((await sharp(bytes).metadata()).channels).toBeLessThan(3);
    const image = await decode(bytes, 1000);
    expect(image.data.length).toBe(width * height * 3);
    const [red, green, blue] = firstPixel(image);
    expect([green, blue]).toEqual([red, red]);
    expect(red).toBeGreaterThan(100);
    expect(red).toBeLessThan(150);
  });

  test('turns an image upright as its EXIF says', async () => {
    const wide = sharp({ create: { width: 40, height: 30, channels: 3, background: 'black' } }).composite([
      { input: { create: { width: 20, height: 30, channels: 3, background: 'white' } }, left: 0, top: 0 },
    ]);
    // Orientation 6: the first row is the right side of the upright picture, so the white left half becomes the top.
    const image = await decode(await wide.withMetadata({ orientation: 6 }).png().toBuffer(), 1000);
    expect([image.width, image.height]).toEqual([30, 40]);
    expect(firstPixel(image)).toEqual([255, 255, 255]);
    expect([...image.data.slice(-3)]).toEqual([0, 0, 0]);
  });

  test('lays what is transparent on white', async () => {
    for (const file of [plain().ensureAlpha(0.4).png(), plain().ensureAlpha(0.4).webp({ lossless: true })]) {
      // 0.4 is stored as 102 of 255.
      const expected = [200, 100, 50].map((v) => (v * 102 + 255 * 153) / 255);
      const found = firstPixel(await decode(await file.toBuffer(), 1000));
      // libvips cuts off what is behind the point.
      for (const [c, value] of expected.entries()) expect(Math.abs(found[c]! - value)).toBeLessThan(1);
    }
  });

  test('shows the first picture of an animation', async () => {
    const pictures = await Promise.all(['red', 'blue'].map((background) => sharp({ create: { width, height, channels: 3, background } }).png().toBuffer())); // biome-ignore format: one line
    for (const format of ['gif', 'webp'] as const) {
      const moving = sharp(pictures, { join: { animated: true } });
      const file = await (format === 'gif' ? moving.gif() : moving.webp({ lossless: true })).toBuffer();
      expect((await sharp(file).metadata()).pages).toBe(2);
      const image = await decode(file, 1000);
      expect([image.width, image.height, firstPixel(image)]).toEqual([width, height, [255, 0, 0]]);
    }
  });

  test.each([
    [100, 133, 100],
    [299, 399, 299],
    [300, 400, 300],
    [1000, 400, 300],
  ])('reduces a short side of 300 to at most %i, and enlarges nothing', async (shortSide, expectedWidth, expectedHeight) => {
    const image = await decode(await noisy().toBuffer(), shortSide);
    expect([image.width, image.height]).toEqual([expectedWidth, expectedHeight]);
  });

  test('passes what libjpeg only warns of: bytes between segments and after the end', async () => {
    const file = await noisy().toBuffer();
    const tables = file.indexOf(Buffer.from([0xff, 0xdb]));
    const between = Buffer.concat([file.subarray(0, tables), Buffer.from([1, 2, 3]), file.subarray(tables)]);
    const expected = await decode(file, 1000);
    for (const odd of [between, Buffer.concat([file, Buffer.from('more')])])
      expect((await decode(odd, 1000)).data).toEqual(expected.data);
  });

  test.each([
    ['nothing', /no JPEG, PNG, WebP or GIF/, async () => Buffer.alloc(0)],
    ['text', /no JPEG, PNG, WebP or GIF/, async () => Buffer.from('this is no image, whatever its name says')],
    ['a PNG cut in half', /^libvips cannot decode it: .+$/, async () => (await noisy().png().toBuffer()).subarray(0, 9000)],
    ['a WebP cut in half', /^libvips cannot decode it: .+$/, async () => (await noisy().webp().toBuffer()).subarray(0, 900)],
    ['a BMP', /no JPEG/, async () => Buffer.concat([Buffer.from('BM'), Buffer.alloc(100)])],
    ['a JPEG cut in half', /^libvips cannot decode it: .+$/, async () => (await noisy().toBuffer()).subarray(0, 9000)],
    [
      'an SVG, which may not be read',
      /no JPEG, PNG, WebP or GIF/,
      async () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
    ],
    ['a TIFF, which only sheets may be', /no JPEG, PNG, WebP or GIF/, () => plain().tiff().toBuffer()],
  ])('refuses %s', async (_, reason, file) => {
    await expect(decode(await file(), 1000)).rejects.toThrow(reason);
  });
});
