import { createWriteStream } from 'node:fs';
import { basename, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openPromise } from 'yauzl';
import type { Report } from './report.ts';

const PROGRESS_EVERY_MS = 2000;

/**
 * Takes some files out of a zip archive, without their folders.
 *
 * @throws when the archive is damaged or lacks a member, or the disk is full.
 */
export async function unzip(
  archive: string,
  members: readonly string[],
  options: { folder: string; report: Report },
): Promise<void> {
  const { folder, report } = options;
  const wanted = new Set(members);
  const zip = await openPromise(archive, { lazyEntries: true, autoClose: false });
  try {
    for await (const entry of zip.eachEntry()) {
      if (!wanted.delete(entry.fileName)) continue;
      const name = basename(entry.fileName);
      const source = await zip.openReadStreamPromise(entry);
      await pipeline(source, counting(name, entry.uncompressedSize, report), createWriteStream(join(folder, name)));
    }
  } finally {
    zip.close();
  }
  if (wanted.size > 0) throw new Error(`${basename(archive)} holds no ${[...wanted].join(', ')}`);
}

/** Passes bytes on and reports how many. */
function counting(name: string, total: number, report: Report): Transform {
  let bytes = 0;
  let last = Date.now();
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (Date.now() - last > PROGRESS_EVERY_MS) {
        last = Date.now();
        report.progress(`unpacking ${name}: ${Math.round(bytes / 1e6)} of ${Math.round(total / 1e6)} MB`);
      }
      done(null, chunk);
    },
  });
}
