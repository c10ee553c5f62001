import type { Cause } from '../errors.ts';
import type { Frame } from '../wire/frame.ts';

/**
 * The connections between the progress threads of a group: rank 0 is the hub, with one link to every other rank. That is enough on one host:
 * what a rank finds out it writes to the board that all share, and a link only has to say that there is something to read.
 */
export interface Star {
  /** The ranks at the other ends of this rank's links. */
  neighbours(): readonly number[];
  set(key: string, value: string): void;
  /** Calls back when the key is set, if ever. */
  wait(key: string, found: (value: string) => void): void;
  /** Sends a message without payload to all neighbours, but for one. */
  tell(type: 'heartbeat' | 'abort' | 'bye', except?: number): void;
  /** An address of this host that the ranks at the other ends can reach. */
  localAddress(): string;
  /** What has gone wrong so far, as a sentence or nothing. */
  why(): string;
  /** The group has failed: tells the neighbours, and rank 0 tells the rest. */
  announce(cause: Cause): void;
  /** Sends what is still to be sent, closes all connections and serves no more. */
  close(): Promise<void>;
}

/** What a star tells the progress thread. */
export interface StarEvents {
  /** Who has joined so far. */
  roster(joined: readonly number[]): void;
  /** A message other than those of handshake and store. */
  message(from: number, type: Frame['type']): void;
  /** A neighbour's connection is gone, and why. */
  lost(rank: number, reason: string): void;
  /** Joining failed for good. */
  failed(cause: Cause): void;
}

/** What a store message asks for, in its phase field. */
export const storePhase = { set: 0, wait: 1, found: 2 } as const;

/** Key and value as the payload of a store message. Keys have no line breaks. */
export const storePayload = (key: string, value = ''): Buffer => Buffer.from(`${key}\n${value}`);

/** The two parts of such a payload. */
export function storeEntry(payload: Uint8Array): { key: string; value: string } {
  const text = Buffer.from(payload).toString();
  const end = text.indexOf('\n');
  return end < 0 ? { key: text, value: '' } : { key: text.slice(0, end), value: text.slice(end + 1) };
}

/** How long strangers may take to say who they are. */
export const HANDSHAKE_MS = 5000;
