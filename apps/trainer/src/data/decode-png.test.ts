import { crc32, deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode } from './decode.ts';
import { bytesOfSixteenBits } from './sixteen-bits.ts';

/** The colour types of PNG, and how many samples a pixel has. */
const colours = { gray: [0, 1], rgb: [2, 3], palette: [3, 1], grayAlpha: [4, 2], rgba: [6, 4] } as const;

interface Picture {
  readonly colour: keyof typeof colours;
  readonly depth: 1 | 2 | 4 | 8 | 16;
  readonly width: number;
  readonly height: number;
  /** Whole numbers below 2^depth, in the file's order. */
  readonly samples: readonly number[];
  /** Further chunks: a palette, transparency. */
  readonly extra?: readonly (readonly [name: string, content: readonly number[]])[];
}

const chunk = (name: string, content: Uint8Array) => {
  const named = Buffer.concat([Buffer.from(name, 'latin1'), content]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  check.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, check]);
};

/** A PNG by the book, so that what is decoded is known sample by sample. @see W3C, PNG, sections 7 and 11. */
function png({ colour, depth, width, height, samples, extra = [] }: Picture): Buffer {
  const [type, channels] = colours[colour];
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([depth, type], 8);
  const rowBytes = Math.ceil((width * channels * depth) / 8);
  const rows = Buffer.alloc(height * (1 + rowBytes));
  for (const [i, sample] of samples.entries()) {
    const row = Math.floor(i / (width * channels));
    const bit = (i % (width * channels)) * depth;
    const at = row * (1 + rowBytes) + 1 + (bit >> 3);
    if (depth === 16) rows.writeUInt16BE(sample, at);
    else rows[at]! |= sample << (8 - depth - (bit & 7));
  }
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', head),
    ...extra.map(([name, content]) => chunk(name, Uint8Array.from(content))),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

const rgbOf = async (picture: Picture) => {
  const { data, width, height } = await decode(png(picture), 1000);
  expect([width, height]).toEqual([picture.width, picture.height]);
  return [...data];
};
/** Some numbers below a bound, as many as asked for. */
const below = (bound: number, count: number) => fc.array(fc.nat(bound - 1), { minLength: count, maxLength: count });
const [width, height] = [5, 3];
const pixels = width * height;

describe('PNG', () => {
  test.each([1, 2, 4, 8, 16] as const)('gray of %i bits is scaled so that black and white stay', async (depth) => {
    await fc.assert(
      fc.asyncProperty(below(2 ** depth, pixels), async (samples) => {
        const expected = samples.flatMap((v) => new Array<number>(3).fill(Math.round((v * 255) / (2 ** depth - 1))));
        expect(await rgbOf({ colour: 'gray', depth, width, height, samples })).toEqual(expected);
      }),
      { numRuns: 20 },
    );
  });

  test.each([8, 16] as const)('RGB of %i bits, likewise', async (depth) => {
    await fc.assert(
      fc.asyncProperty(below(2 ** depth, 3 * pixels), async (samples) => {
        const expected = samples.map((v) => Math.round((v * 255) / (2 ** depth - 1)));
        expect(await rgbOf({ colour: 'rgb', depth, width, height, samples })).toEqual(expected);
      }),
      { numRuns: 20 },
    );
  });

  test.each([1, 2, 4, 8] as const)('palettes of %i bits give their colours, transparent ones on white', async (depth) => {
    const entries = 2 ** depth;
    await fc.assert(
      fc.asyncProperty(below(entries, pixels), below(256, 3 * entries), async (samples, palette) => {
        const picture = { colour: 'palette', depth, width, height, samples } as const;
        const solid = samples.flatMap((v) => palette.slice(3 * v, 3 * v + 3));
        expect(await rgbOf({ ...picture, extra: [['PLTE', palette]] })).toEqual(solid);
        // The first entry alone is transparent.
        const extra = [['PLTE', palette], ['tRNS', [0]]] as const; // biome-ignore format: one line
        const onWhite = samples.flatMap((v) => (v === 0 ? [255, 255, 255] : palette.slice(3 * v, 3 * v + 3)));
        expect(await rgbOf({ ...picture, extra })).toEqual(onWhite);
      }),
      { numRuns: 10 },
    );
  });

  test.each([
    ['grayAlpha', 8],
    ['grayAlpha', 16],
    ['rgba', 8],
    ['rgba', 16],
  ] as const)('%s of %i bits is laid on white', async (colour, depth) => {
    const channels = colours[colour][1];
    const most = 2 ** depth - 1;
    await fc.assert(
      fc.asyncProperty(below(2 ** depth, channels * pixels), async (samples) => {
        const found = await rgbOf({ colour, depth, width, height, samples });
        for (let i = 0; i < 3 * pixels; i++) {
          const at = Math.floor(i / 3) * channels;
          const alpha = samples[at + channels - 1]! / most;
          const value = samples[at + (channels === 4 ? i % 3 : 0)]! / most;
          const expected = 255 * (value * alpha + 1 - alpha);
          // Our own arithmetic rounds; libvips, on 8 bits, cuts off what is behind the point.
          expect(Math.abs(found[i]! - expected), `sample ${i}`).toBeLessThan(depth === 16 ? 0.5 + 1e-9 : 1);
        }
      }),
      { numRuns: 20 },
    );
  });

  test('16 bits are reduced in 16 bits', async () => {
    const samples = Array.from({ length: 64 * 64 }, (_, i) => ((i % 64) * 65535) / 63).map(Math.round);
    const { data, width, height } = await decode(png({ colour: 'gray', depth: 16, width: 64, height: 64, samples }), 16);
    expect([width, height, data.length]).toEqual([16, 16, 16 * 16 * 3]);
    // A ramp stays one: every pixel is about the mean of the four columns that it stands for.
    for (let x = 1; x < 15; x++) expect(Math.abs(data[3 * x]! - (255 * (4 * x + 1.5)) / 63)).toBeLessThan(2);
  });
});

test('bytesOfSixteenBits gives every byte back that was widened by repeating it', () => {
  const bytes = Uint8Array.from({ length: 255 }, (_, i) => i + 1);
  expect(
    bytesOfSixteenBits(
      Uint16Array.from(bytes, (v) => v * 257),
      3,
    ),
  ).toEqual(bytes);
});
