import { createServer } from 'node:net';
import { TrainerError } from '../errors.ts';

/**
 * A port of an address of this host at which nobody listens: the wanted one, or any.
 *
 * @throws {TrainerError} `misuse` where the wanted port is in use or forbidden.
 */
export function freePort(wanted: number | null, host = '127.0.0.1'): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE'
          ? 'is in use; name another one, or none to have a free one chosen'
          : `cannot be bound (${error.code})`;
      reject(new TrainerError('misuse', `--master-port: port ${wanted} of ${host} ${why}.`, { port: wanted }));
    });
    server.listen({ host, port: wanted ?? 0, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : (wanted ?? 0)));
    });
  });
}
