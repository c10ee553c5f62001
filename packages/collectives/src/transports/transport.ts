import type { Call } from '../call.ts';
import type { GroupSizes } from '../memory/layout.ts';
import type { MemoryKind } from '../memory/medium.ts';
import type { GroupMemory } from '../memory/registered.ts';

/** What was found on this machine and chosen for this group. */
export interface Capabilities {
  readonly transport: 'single' | 'shared-memory' | 'websocket';
  /** `private`: a group of one, or one over a network. */
  readonly memory: 'private' | MemoryKind;
  /** Whether memory from `allocate` is shared, so that nothing is copied. */
  readonly zeroCopy: boolean;
  /** Whether a rank that waits sleeps until it is woken, or looks again and again. */
  readonly futex: boolean;
  /** Whether sums are done by WebAssembly SIMD. */
  readonly simd: boolean;
}

/** How the bytes of a group move. Everything blocks until this rank's part is done. */
export interface Transport {
  readonly capabilities: Capabilities;
  /** Carries out a call that was checked. @throws {CollectivesError} the first cause where the group fails. */
  run(call: Call): void;
  /** The same without blocking, where bytes move on another thread; calls are made in the order in which they come. */
  start?(call: Call): Promise<void>;
  allocate(call: Call, sizes: GroupSizes): GroupMemory;
  /** One atomic load while all is well. @throws {CollectivesError} the first cause. */
  throwIfAborted(): void;
  /** Makes the group unusable on all ranks. */
  abort(reason: string, step: number): void;
  /** Says goodbye and frees everything. Called once. */
  close(): Promise<void>;
}
