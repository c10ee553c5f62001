import { randomInt } from 'node:crypto';
import { rmSync } from 'node:fs';
import { CollectivesError } from '../errors.ts';
import { CACHE_LINE, type GroupLayout } from './layout.ts';
import type { MappedBoard } from './mapped-board.ts';
import type { Native } from './native.ts';
import { overlayMemory } from './overlay.ts';
import { createMemfd, createTmpfs, type Origin, openShared, type SharedFile, tmpfsPath } from './shared-file.ts';

/** What allocating works with. */
export interface AllocatePlace {
  readonly board: MappedBoard;
  readonly native: Native;
  readonly origin: Origin;
  /** Waits for all ranks. @throws {CollectivesError} where the group fails. */
  meet(): void;
}

/**
 * Memory of which all ranks share the first `layout.sharedBytes`. Blocking: the ranks talk by notes on the board. Rank 0 says what the
 * file will be called, makes it and writes a number into it; all map it, look for the number and answer in it; rank 0 looks for the answers.
 *
 * @throws {CollectivesError} `unsupported`, on all ranks alike, where there is no room or one of them cannot map it; the group goes on.
 */
export function allocateShared(place: AllocatePlace, layout: GroupLayout): WebAssembly.Memory {
  const { board, origin } = place;
  const leads = board.rank === 0;
  // Known before the file exists, so that whoever survives the others can remove it.
  const [name] = everybody(place, leads && origin === 'tmpfs' ? tmpfsPath() : '');
  let file: SharedFile | undefined;
  let memory: WebAssembly.Memory | undefined;
  try {
    const [region] = everybody(place, () => {
      if (!leads) return '';
      file =
        origin === 'memfd' ? createMemfd(layout.sharedBytes, place.native) : createTmpfs(name!, layout.sharedBytes, place.native);
      return file.path;
    });
    const number = randomInt(1, 2 ** 31);
    everybody(place, () => {
      file ??= openShared(region!);
      memory = overlayMemory(place.native, { fd: file.fd, ...layout }).memory;
      if (leads) new Int32Array(memory.buffer)[0] = number;
      return '';
    });
    everybody(place, () => {
      const words = new Int32Array(memory!.buffer);
      words[answerWord(board.rank)] = words[0]! ^ board.rank;
      return '';
    });
    everybody(place, () => {
      const words = new Int32Array(memory!.buffer);
      for (let r = 0; leads && r < board.size; r++) {
        if (words[answerWord(r)] !== (number ^ r)) throw new Error(`rank 0 does not see what rank ${r} writes`);
      }
      return '';
    });
    return memory!;
  } finally {
    file?.close(); // the mapping stays
    if (name !== '') rmSync(name!, { force: true });
  }
}

const answerWord = (rank: number) => ((1 + rank) * CACHE_LINE) / 4;

const REFUSED = '!';

/** All do something and say its result; all hear what all said. @throws `unsupported` on all ranks where one of them could not. */
function everybody({ board, meet }: AllocatePlace, say: string | (() => string)): string[] {
  let own: string;
  try {
    own = typeof say === 'string' ? say : say();
  } catch (error) {
    own = `${REFUSED}rank ${board.rank}: ${error instanceof Error ? error.message : String(error)}`;
  }
  board.writeNote(own);
  meet();
  const said = Array.from({ length: board.size }, (_, r) => board.readNote(r));
  meet(); // nobody writes the next note before all have read this one
  const refusal = said.find((note) => note.startsWith(REFUSED));
  if (refusal !== undefined) {
    throw new CollectivesError('unsupported', `allocate: memory for the group cannot be had. ${refusal.slice(REFUSED.length)}`, {
      operation: 'allocate',
    });
  }
  return said;
}
