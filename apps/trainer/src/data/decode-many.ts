import { decode, type Pixels } from './decode.ts';
import { type JpegForm, plainJpegForm } from './jpeg-form.ts';
import { decodeSheet } from './jpeg-sheet.ts';

/** Images of more pixels gain nothing from being decoded together. */
const sheetPixels = 256 * 256;

/**
 * Decodes files as `decode` does, to the bit, but small plain JPEGs of the same form together: that takes a tenth of the time.
 *
 * @returns for every file its pixels, or the error that says why it has none.
 */
export async function decodeMany(files: readonly Buffer[], shortSide: number): Promise<(Pixels | Error)[]> {
  const decoded = new Array<Pixels | Error>(files.length);
  for (const { form, places } of byForm(files, shortSide)) {
    const together =
      form && places.length > 1
        ? await decodeSheet(
            places.map((place) => files[place]!),
            form,
          ).catch(() => undefined)
        : undefined;
    for (const [i, place] of places.entries())
      decoded[place] = together?.[i] ?? (await decode(files[place]!, shortSide).catch(asError));
  }
  return decoded;
}

interface Group {
  /** Undefined for files that are decoded alone. */
  readonly form: JpegForm | undefined;
  readonly places: number[];
}

/** The places of the files, those together that can be decoded together. */
function byForm(files: readonly Buffer[], shortSide: number): Iterable<Group> {
  const groups = new Map<string, Group>();
  for (const [place, file] of files.entries()) {
    const found = plainJpegForm(file);
    const isSmall =
      found !== undefined && found.width * found.height <= sheetPixels && Math.min(found.width, found.height) <= shortSide;
    const form = isSmall ? found : undefined;
    const key = JSON.stringify(form ?? null);
    const group = groups.get(key);
    if (group) group.places.push(place);
    else groups.set(key, { form, places: [place] });
  }
  return groups.values();
}

const asError = (cause: unknown): Error => (cause instanceof Error ? cause : new Error(String(cause)));
