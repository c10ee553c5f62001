import type { IncomingMessage } from 'node:http';
import WebSocket, { WebSocketServer } from 'ws';
import type { Place } from '../rendezvous/environment.ts';
import { Handshake } from '../rendezvous/handshake.ts';
import { HANDSHAKE_MS } from '../rendezvous/star.ts';
import { HEADER_BYTES, payloadLimit } from '../wire/frame.ts';

/** Where a rank serves. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

const PATH = '/collectives';
const PROTOCOL = 'collectives.1';
const HANDSHAKE_BYTES = 4096;
/** The longest message: a header and a block. */
const MOST_BYTES = HEADER_BYTES + payloadLimit.data;

const settings = { perMessageDeflate: false, skipUTF8Validation: true, maxPayload: MOST_BYTES } as const;

/** A server that lets in the ranks of the group, and nobody else. */
export interface Reception {
  readonly address: Address;
  /** Callers that were turned away, and why. */
  readonly refusals: ReadonlySet<string>;
  close(): void;
}

/**
 * Serves on a port of its own. A caller has five seconds and 4 KB to prove that it knows the token; web pages (an `Origin` header), other paths, protocols
 * and hosts are refused, and at most as many strangers at once as there are ranks.
 *
 * @param admit is given the connection of a rank that is known, once for each rank.
 * @throws what the system says, where the address cannot be served.
 */
export function openReception(place: Place, host: string, admit: (rank: number, socket: WebSocket) => void): Promise<Reception> {
  const refusals = new Set<string>();
  const admitted = new Set<number>();
  let strangers = 0;
  const refusal = (request: IncomingMessage): string | undefined => {
    if (request.headers.origin !== undefined) return 'a web page';
    if (request.url !== PATH) return `a request for ${JSON.stringify(request.url).slice(0, 40)}`;
    if (strangers >= place.size) return 'more callers at once than there are ranks';
    if (request.headers.host !== hostHeader(host, server))
      return `a request to host ${JSON.stringify(request.headers.host).slice(0, 60)}`;
    return undefined;
  };
  const server: WebSocketServer = new WebSocketServer({
    ...settings,
    host,
    port: 0,
    backlog: 4 * place.size,
    handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : false),
    verifyClient: ({ req }, answer) => {
      const reason = refusal(req);
      if (reason !== undefined) refusals.add(reason);
      answer(reason === undefined, 403);
    },
  });
  server.on('connection', (socket) => {
    if (socket.protocol !== PROTOCOL) {
      refusals.add('another protocol');
      socket.terminate();
      return;
    }
    strangers += 1;
    const handshake = new Handshake('hub', {
      identity: place,
      token: place.token,
      admits: (rank) => (admitted.has(rank) ? `rank ${rank} is connected already` : undefined),
    });
    acquaint(socket, handshake).then(
      (rank) => {
        strangers -= 1;
        admitted.add(rank);
        admit(rank, socket);
      },
      (error: Error) => {
        strangers -= 1;
        refusals.add(error.message);
        socket.terminate();
      },
    );
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.on('error', () => undefined);
      const { port } = server.address() as { port: number };
      resolve({ address: { host, port }, refusals, close: () => server.close() });
    });
  });
}

const hostHeader = (host: string, server: WebSocketServer): string =>
  `${host.includes(':') ? `[${host}]` : host}:${(server.address() as { port: number }).port}`;

/** Calls a rank and proves who this is. @throws where it is not there, or not who it should be. */
export async function call(place: Place, { host, port }: Address, rank: number): Promise<WebSocket> {
  const name = host.includes(':') ? `[${host}]` : host;
  const socket = new WebSocket(`ws://${name}:${port}${PATH}`, PROTOCOL, { ...settings, handshakeTimeout: HANDSHAKE_MS });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', (error) => reject(new Error(`rank ${rank} at ${host}:${port} cannot be reached: ${error.message}`)));
  });
  const handshake = new Handshake('spoke', { identity: place, token: place.token });
  const known = acquaint(socket, handshake);
  socket.send(handshake.hello());
  try {
    const found = await known;
    if (found !== rank) throw new Error(`rank ${found} answered at ${host}:${port} instead of rank ${rank}`);
    return socket;
  } catch (error) {
    socket.terminate();
    throw error;
  }
}

/** Goes through a handshake. @returns the rank at the other end. The connection then delivers messages in pieces, and is paused until it is listened to. */
function acquaint(socket: WebSocket, handshake: Handshake): Promise<number> {
  return new Promise((resolve, reject) => {
    const patience = setTimeout(() => end(new Error('a caller that did not say who it is')), HANDSHAKE_MS);
    const end = (result: number | Error) => {
      clearTimeout(patience);
      socket.off('message', hear);
      socket.off('close', gone);
      if (result instanceof Error) {
        reject(result);
        return;
      }
      socket.pause();
      socket.binaryType = 'fragments';
      resolve(result);
    };
    const gone = () => end(new Error('a caller that hung up'));
    const hear = (data: WebSocket.RawData) => {
      const text = data as Buffer;
      if (text.length > HANDSHAKE_BYTES) {
        end(new Error('a caller with too much to say'));
        return;
      }
      const reaction = handshake.receive(text.toString());
      if ('send' in reaction && reaction.send !== undefined) socket.send(reaction.send);
      if (reaction.next === 'known') end(reaction.rank);
      else if (reaction.next === 'refuse' || reaction.next === 'refused') end(new Error(reaction.refusal.reason));
    };
    socket.on('message', hear);
    socket.on('close', gone);
    socket.on('error', () => undefined);
  });
}
