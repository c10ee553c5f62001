// The public entry: re-exports only.
export { connect } from './connect.ts';
export type { Elements, ReduceOp } from './elements.ts';
export { CollectivesError, type CollectivesErrorCode, type ErrorFields } from './errors.ts';
export type { GroupSizes } from './memory/layout.ts';
export type { MemoryKind } from './memory/medium.ts';
export type { GroupMemory } from './memory/registered.ts';
export type { ConnectOptions } from './options.ts';
export type {
  AllGatherOptions,
  AllReduceOptions,
  BroadcastOptions,
  ProcessGroup,
  ReduceScatterOptions,
} from './process-group.ts';
export { type TransportName, transportNames } from './transports/names.ts';
export type { Capabilities } from './transports/transport.ts';
