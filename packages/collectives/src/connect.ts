import { type ConnectOptions, checkOptions } from './options.ts';
import { Group, type ProcessGroup } from './process-group.ts';
import { readPlace } from './rendezvous/environment.ts';
import { connectTransport } from './transports/connect-transport.ts';
import { SingleTransport } from './transports/single.ts';

/**
 * Joins the group of processes that the environment names (RANK, WORLD_SIZE, MASTER_PORT, ... as under torchrun), and resolves
 * when all of them have. Without WORLD_SIZE it is a group of one, which needs no thread, no socket and no file.
 *
 * @throws {CollectivesError} `bad-argument` for wrong options or variables; `rendezvous` where ranks are missing after `timeoutMs`,
 *         with all that are, or the port is in use; `unauthorized` for another token, or an open address without one; `unsupported`
 *         where the ranks cannot share memory; `peer-lost` where a rank ends meanwhile.
 */
export async function connect(options: ConnectOptions = {}): Promise<ProcessGroup> {
  const checked = checkOptions(options);
  const place = readPlace(checked.environment);
  const transport = place.size === 1 ? new SingleTransport() : await connectTransport(place, checked);
  return new Group(place, transport);
}
