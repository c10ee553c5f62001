import { Desk } from '../mesh/desk.ts';
import type { ProgressThread } from '../progress/progress-thread.ts';
import type { Place } from '../rendezvous/environment.ts';
import { WebSocketTransport } from './websocket.ts';

/**
 * Has the progress thread connect every two ranks. @param options.onBoard is given where failures are raised.
 *
 * @throws {CollectivesError} `rendezvous`, `unauthorized`, `peer-lost`. Nothing but the progress thread is left then.
 */
export async function connectWebSocket(
  place: Place,
  { timeoutMs, progress, onBoard }: { timeoutMs: number; progress: ProgressThread; onBoard: (desk: Desk) => void },
): Promise<WebSocketTransport> {
  const { rank, size } = place;
  const desk = new Desk(size);
  onBoard(desk);
  await progress.weave(desk.buffer, place.ownHost);
  return new WebSocketTransport({ rank, timeoutMs, desk, progress });
}
