/** Transports between ranks, by the names that options take. */
export const transportNames = ['shared-memory', 'websocket'] as const;
export type TransportName = (typeof transportNames)[number];
