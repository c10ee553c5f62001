const most = 65535;

/** Whether a file is a PNG with 16 bits a channel. @see W3C, PNG, 11.2.1: the bit depth is the ninth byte of the first chunk. */
export const isSixteenBitPng = (file: Buffer): boolean => file[0] === 0x89 && file[24] === 16;

/**
 * Brings 16 bits to 8, on white where there is alpha:
 *
 *     byte = round(v / 257),   v' = (v a + 65535 (65535 - a)) / 65535   if a < 65535
 *
 * 257 = 65535 / 255, so that black, white and every value that came from a byte are kept. To drop the lower byte, as libvips does, darkens by half a
 * step on average.
 *
 * @param values   [pixels, channels], of the machine's byte order.
 * @param channels 3, or 4 with alpha, which is not premultiplied.
 * @returns [pixels, 3].
 */
export function bytesOfSixteenBits(values: Uint16Array, channels: 3 | 4): Uint8Array {
  const pixels = values.length / channels;
  const bytes = new Uint8Array(pixels * 3);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const alpha = channels === 4 ? values[pixel * 4 + 3]! / most : 1;
    for (let c = 0; c < 3; c++)
      bytes[pixel * 3 + c] = Math.round((values[pixel * channels + c]! * alpha + most * (1 - alpha)) / 257);
  }
  return bytes;
}
