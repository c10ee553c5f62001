import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { FileBoard } from './file-board.ts';
import { stagingLayout } from './layout.ts';
import type { Medium } from './medium.ts';
import type { SharedFile } from './shared-file.ts';
import { type Mover, movedStaging } from './staging.ts';

/** Reads and writes of whole ranges; the system may do less at once than it was asked for. */
export function fileMover(fd: number): Mover {
  return {
    read(at, into) {
      for (let done = 0; done < into.length; ) {
        const got = readSync(fd, into, done, into.length - done, at + done);
        if (got === 0) throw new Error(`the shared file ends at byte ${at + done}`);
        done += got;
      }
    },
    write(at, from) {
      for (let done = 0; done < from.length; ) done += writeSync(fd, from, done, from.length - done, at + done);
    },
  };
}

/** Opens the staging region of a group as a plain file. */
export function openFile({ file, rank, size }: { file: SharedFile; rank: number; size: number }): Medium {
  const layout = stagingLayout(size);
  const { fd } = file;
  const logFd = openSync(file.path, 'a');
  const lengthBytes = layout.totalBytes;
  const alarm = new Int32Array(new SharedArrayBuffer(4));
  return {
    kind: 'file',
    path: file.path,
    board: new FileBoard({ fd, logFd, lengthBytes, alarm }, { rank, size }),
    staging: movedStaging(fileMover(fd), { layout, rank, size }),
    handle: { kind: 'file', fd, logFd, lengthBytes, alarm },
    close() {
      closeSync(logFd);
      file.close();
    },
  };
}
