import type { Extent } from './crop.ts';

/** What JPEG files must have in common to be decoded together. */
export interface JpegForm extends Extent {
  /** How many pixels share one value of colour, across and down: 2 and 2 is the custom, 1 and 1 the best. */
  readonly sharedAcross: number;
  readonly sharedDown: number;
}

const [startOfImage, jfif, comment, tables] = [0xd8, 0xe0, 0xfe, [0xc4, 0xdb, 0xdd]];
const [baseline, startOfScan] = [0xc0, 0xda];

/** A piece of a JPEG's head. */
interface Segment {
  readonly kind: number;
  readonly content: Buffer;
}

/**
 * The segments before the picture itself, and the one that begins it; none where the file is no JPEG.
 *
 * @see ITU-T T.81, annex B: a segment is 0xff, its kind, its length in two bytes (themselves included) and its content.
 */
function* segments(file: Buffer): Generator<Segment> {
  if (file.length < 4 || file[0] !== 0xff || file[1] !== startOfImage) return;
  for (let at = 2; at + 4 <= file.length && file[at] === 0xff; ) {
    const content = file.subarray(at + 4, at + 2 + file.readUInt16BE(at + 2));
    yield { kind: file[at + 1]!, content };
    if (file[at + 1] === startOfScan) return;
    at += 4 + content.length;
  }
}

/**
 * Reads the form off the head of a plain JPEG: baseline, three components of 8 bits, nothing beside JFIF that could change how it is shown.
 *
 * @returns undefined for every other file (progressive, gray, CMYK, with EXIF or a profile, damaged, no JPEG), which is then decoded alone.
 */
export function plainJpegForm(file: Buffer): JpegForm | undefined {
  let form: JpegForm | undefined;
  for (const { kind, content } of segments(file)) {
    if (kind === startOfScan) return form;
    if (kind === baseline) form = frameForm(content);
    else if (kind !== jfif && kind !== comment && !tables.includes(kind)) return undefined;
  }
  return undefined;
}

/** Whether a JPEG has four components: CMYK, or YCCK, which is CMYK as brightness and colour. */
export function isFourColourJpeg(file: Buffer): boolean {
  for (const { kind, content } of segments(file)) if (isFrame(kind)) return content[5] === 4;
  return false;
}

/** Frame headers are 0xc0 to 0xcf, but for tables (0xc4, 0xcc) and one that is reserved. */
const isFrame = (kind: number) => kind >= 0xc0 && kind <= 0xcf && kind !== 0xc4 && kind !== 0xc8 && kind !== 0xcc;

/** The frame header: precision, height, width, number of components; then for each its name, sampling factors and table. */
function frameForm(content: Buffer): JpegForm | undefined {
  const [precision, count] = [content[0], content[5]];
  if (content.length !== 15 || precision !== 8 || count !== 3) return undefined;
  const [brightness, blue, red] = [content.subarray(6, 9), content.subarray(9, 12), content.subarray(12, 15)];
  const namedInOrder = brightness[0] === 1 && blue[0] === 2 && red[0] === 3;
  if (!namedInOrder || blue[1] !== 0x11 || red[1] !== 0x11) return undefined;
  const [height, width] = [content.readUInt16BE(1), content.readUInt16BE(3)];
  return height === 0 || width === 0
    ? undefined
    : { width, height, sharedAcross: brightness[1]! >> 4, sharedDown: brightness[1]! & 15 };
}
