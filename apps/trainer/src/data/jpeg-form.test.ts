import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { plainJpegForm } from './jpeg-form.ts';

const plain = (width = 20, height = 12) => sharp({ create: { width, height, channels: 3, background: 'teal' } });

describe('plainJpegForm', () => {
  test('reads size and sharing of colours', async () => {
    expect(plainJpegForm(await plain().jpeg({ chromaSubsampling: '4:2:0' }).toBuffer())).toEqual({
      width: 20,
      height: 12,
      sharedAcross: 2,
      sharedDown: 2,
    });
    expect(plainJpegForm(await plain(9, 300).jpeg({ chromaSubsampling: '4:4:4' }).toBuffer())).toEqual({
      width: 9,
      height: 300,
      sharedAcross: 1,
      sharedDown: 1,
    });
  });

  test.each([
    ['progressive', () => plain().jpeg({ progressive: true })],
    ['gray', () => plain().toColourspace('b-w').jpeg()],
    ['CMYK', () => plain().toColourspace('cmyk').jpeg()],
    ['turned by EXIF', () => plain().withMetadata({ orientation: 6 }).jpeg()],
    ['with a profile', () => plain().withIccProfile('p3').jpeg()],
    ['PNG', () => plain().png()],
  ])('leaves alone what is %s', async (_, file) => {
    expect(plainJpegForm(await file().toBuffer())).toBeUndefined();
  });

  test('takes any bytes without failing, and the beginning of a file as none', async () => {
    const file = await plain().jpeg().toBuffer();
    const scan = file.indexOf(Buffer.from([0xff, 0xda]));
    for (let length = 0; length < scan; length++) expect(plainJpegForm(file.subarray(0, length))).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(scan), (bytes, at) => {
        plainJpegForm(Buffer.from(bytes));
        plainJpegForm(Buffer.concat([file.subarray(0, at), bytes, file.subarray(at)]));
        plainJpegForm(Buffer.concat([file.subarray(0, at), bytes, file.subarray(at + bytes.length)]));
      }),
    );
  });
});
