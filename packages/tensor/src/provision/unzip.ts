import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openPromise } from 'yauzl';
import type { Report } from './report.ts';

const PROGRESS_EVERY_MS = 2000;

/** Where files go, and whom to tell. */
export interface UnzipOptions {
  readonly folder: string;
  readonly report: Report;
  /** Keeps the folders of the archive. Default: all files go into one. */
  readonly keepFolders?: boolean;
}

/**
 * Takes some files out of a zip archive. @param members names, or folders that end in `/` and stand for everything in them.
 *
 * @throws when the archive is damaged or lacks a member, or the disk is full.
 */
export async function unzip(archive: string, members: readonly string[], options: UnzipOptions): Promise<void> {
  const { folder, report, keepFolders = false } = options;
  const wanted = new Set(members);
  const folders = members.filter((member) => member.endsWith('/'));
  const zip = await openPromise(archive, { lazyEntries: true, autoClose: false });
  try {
    for await (const entry of zip.eachEntry()) {
      const { fileName } = entry;
      const within = folders.find((one) => fileName.startsWith(one) && !fileName.endsWith('/'));
      if (within === undefined && !members.includes(fileName)) continue;
      wanted.delete(within ?? fileName);
      // yauzl refuses names that lead out of the folder.
      const target = join(folder, keepFolders ? fileName : basename(fileName));
      await mkdir(dirname(target), { recursive: true });
      const source = await zip.openReadStreamPromise(entry);
      const executable = (entry.externalFileAttributes >>> 16) & 0o111;
      const mode = executable === 0 ? 0o644 : 0o755;
      await pipeline(source, counting(basename(fileName), entry.uncompressedSize, report), createWriteStream(target, { mode }));
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
