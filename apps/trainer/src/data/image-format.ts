/** A format of image files that is decoded. */
export interface ImageFormat {
  /** For people. */
  readonly name: string;
  /** What its files are called, in small letters. */
  readonly extensions: readonly string[];
  /** How its files begin, whatever they are called: bytes, and at which offset. */
  readonly signature: readonly (readonly [offset: number, bytes: Buffer])[];
  /** What libvips calls its decoder. */
  readonly decoder: string;
}

const latin1 = (text: string) => Buffer.from(text, 'latin1');

/** What is decoded: a new format is a line here, if sharp has a decoder for it. */
const formats: readonly ImageFormat[] = [
  { name: 'JPEG', extensions: ['jpg', 'jpeg'], signature: [[0, latin1('\xff\xd8')]], decoder: 'VipsForeignLoadJpeg' },
  { name: 'PNG', extensions: ['png'], signature: [[0, latin1('\x89PNG')]], decoder: 'VipsForeignLoadPng' },
  { name: 'WebP', extensions: ['webp'], signature: [[0, latin1('RIFF')], [8, latin1('WEBP')]], decoder: 'VipsForeignLoadWebp' }, // biome-ignore format: a table
  { name: 'GIF', extensions: ['gif'], signature: [[0, latin1('GIF8')]], decoder: 'VipsForeignLoadNsgif' },
];

/** Names of libvips's decoders for all of them. */
export const decoderNames: readonly string[] = formats.map(({ decoder }) => decoder);

/** The formats in a phrase: `JPEG, PNG, WebP or GIF`. */
export const formatNames: string = formats
  .map(({ name }) => name)
  .join(', ')
  .replace(/, (\w+)$/, ' or $1');

/** The extensions in a phrase: `.jpg, .jpeg, ... or .gif`. */
export const extensionNames: string = formats
  .flatMap(({ extensions }) => extensions.map((extension) => `.${extension}`))
  .join(', ')
  .replace(/, (\.\w+)$/, ' or $1');

/** Whether a file may be decoded: by how it begins, whatever its name says. */
export const isImageFile = (file: Buffer): boolean =>
  formats.some(({ signature }) =>
    signature.every(([offset, bytes]) => file.subarray(offset, offset + bytes.length).equals(bytes)),
  );

/** Whether an extension, without its dot, is one of an image: in any case. */
export const isImageExtension = (extension: string): boolean =>
  formats.some(({ extensions }) => extensions.includes(extension.toLowerCase()));
