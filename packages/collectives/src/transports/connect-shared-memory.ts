import { agreeOnMemory } from '../memory/agreement.ts';
import type { Board } from '../memory/board.ts';
import { loadNative } from '../memory/native.ts';
import { selfTest } from '../memory/self-test.ts';
import type { ProgressThread } from '../progress/progress-thread.ts';
import type { Place } from '../rendezvous/environment.ts';
import { SharedMemoryTransport } from './shared-memory.ts';

/**
 * Agrees with the others on the best memory that works for all, and sets the progress thread on guard.
 *
 * @throws {CollectivesError} `unsupported`, `rendezvous`, `peer-lost`. Nothing but the progress thread is left then.
 */
export async function connectSharedMemory(
  place: Place,
  { timeoutMs, progress, onBoard }: { timeoutMs: number; progress: ProgressThread; onBoard: (board: Board) => void },
): Promise<SharedMemoryTransport> {
  const { rank, size } = place;
  const native = place.memory === 'file' ? 'COLLECTIVES_MEMORY asks for files' : await loadNative();
  const abilities = selfTest(native, { kind: place.memory, origin: place.origin });
  const usable = typeof native === 'string' ? undefined : native;
  const { medium, origin } = await agreeOnMemory({ rank, size, native: usable, exchange: progress }, abilities);
  try {
    onBoard(medium.board);
    await progress.watch(medium.handle);
  } catch (error) {
    medium.close();
    throw error;
  }
  return new SharedMemoryTransport({ rank, size, timeoutMs, medium, native: usable, origin, progress });
}
