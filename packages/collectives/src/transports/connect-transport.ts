import { type Cause, CollectivesError, causeOf } from '../errors.ts';
import { hostIdentity } from '../memory/agreement.ts';
import { ProgressThread } from '../progress/progress-thread.ts';
import type { Place } from '../rendezvous/environment.ts';
import { connectSharedMemory } from './connect-shared-memory.ts';
import { connectWebSocket } from './connect-websocket.ts';
import type { TransportName } from './names.ts';
import type { Transport } from './transport.ts';

/** Transports by name: a new one is a file and a line here, and in `names.ts`. */
const transports = { 'shared-memory': connectSharedMemory, websocket: connectWebSocket } as const;

/**
 * Finds the other ranks, agrees with them on a transport, and connects.
 *
 * @throws {CollectivesError} `rendezvous`, `unauthorized`, `unsupported`, `peer-lost`. Nothing is left behind then.
 */
export async function connectTransport(
  place: Place,
  { transport, timeoutMs, heartbeatMs }: { transport: 'auto' | TransportName; timeoutMs: number; heartbeatMs: number },
): Promise<Transport> {
  let board: { raise(cause: Cause): void } | undefined;
  const crashed = (cause: Cause) => board?.raise({ ...cause, rank: place.rank });
  const progress = new ProgressThread({ place, timeoutMs, heartbeatMs }, { crashed });
  try {
    await progress.joined();
    const wanted = transport === 'auto' ? (place.transport ?? 'auto') : transport;
    const chosen = await agree(wanted, place, progress);
    const onBoard = (made: { raise(cause: Cause): void }) => {
      board = made;
    };
    return await transports[chosen](place, { timeoutMs, progress, onBoard });
  } catch (error) {
    progress.fail(causeOf(error));
    await progress.close();
    throw error;
  }
}

/** All ranks say what they want and where they are; all come to the same. @throws {CollectivesError} `rendezvous` where they want different things. */
async function agree(wanted: 'auto' | TransportName, { rank, size }: Place, progress: ProgressThread): Promise<TransportName> {
  progress.set(`transport/${rank}`, `${wanted} ${hostIdentity()}`);
  const said = await Promise.all(Array.from({ length: size }, (_, r) => progress.wait(`transport/${r}`)));
  const [wishes, hosts] = [said.map((text) => text.split(' ', 1)[0]!), said.map((text) => text.slice(text.indexOf(' ') + 1))];
  const other = wishes.findIndex((wish) => wish !== wishes[0]);
  if (other >= 0) {
    throw new CollectivesError(
      'rendezvous',
      `connect: rank 0 asks for transport ${wishes[0]}, rank ${other} for ${wishes[other]}. Give the same on all ranks.`,
      { rank: other },
    );
  }
  if (wanted !== 'auto') return wanted;
  return hosts.every((host) => host === hosts[0]) ? 'shared-memory' : 'websocket';
}
