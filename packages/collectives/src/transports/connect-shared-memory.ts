import { type Cause, causeOf } from '../errors.ts';
import { agreeOnMemory } from '../memory/agreement.ts';
import type { Board } from '../memory/board.ts';
import { loadNative } from '../memory/native.ts';
import { selfTest } from '../memory/self-test.ts';
import { ProgressThread } from '../progress/progress-thread.ts';
import type { Place } from '../rendezvous/environment.ts';
import { SharedMemoryTransport } from './shared-memory.ts';

/**
 * Finds the other ranks, agrees with them on the best memory that works for all, and sets the progress thread on guard.
 *
 * @throws {CollectivesError} `rendezvous`, `unauthorized`, `unsupported`, `peer-lost`. Nothing is left behind then.
 */
export async function connectSharedMemory(
  place: Place,
  { timeoutMs, heartbeatMs }: { timeoutMs: number; heartbeatMs: number },
): Promise<SharedMemoryTransport> {
  const { rank, size } = place;
  let board: Board | undefined;
  const crashed = (cause: Cause) => board?.raise({ ...cause, rank });
  const progress = new ProgressThread({ place, timeoutMs, heartbeatMs }, { crashed });
  try {
    const native = place.memory === 'file' ? 'COLLECTIVES_MEMORY asks for files' : await loadNative();
    const abilities = selfTest(native, { kind: place.memory, origin: place.origin });
    await progress.joined();
    const usable = typeof native === 'string' ? undefined : native;
    const { medium, origin } = await agreeOnMemory({ rank, size, native: usable, exchange: progress }, abilities);
    try {
      board = medium.board;
      await progress.watch(medium.handle);
    } catch (error) {
      medium.close();
      throw error;
    }
    return new SharedMemoryTransport({ rank, size, timeoutMs, medium, native: usable, origin, progress });
  } catch (error) {
    progress.fail(causeOf(error));
    await progress.close();
    throw error;
  }
}
