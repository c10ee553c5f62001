import {
  allGatherCall,
  allocateCall,
  allReduceCall,
  barrierCall,
  broadcastCall,
  type Call,
  type Caller,
  reduceScatterCall,
} from './call.ts';
import type { Elements, ReduceOp } from './elements.ts';
import { CollectivesError } from './errors.ts';
import type { GroupSizes } from './memory/layout.ts';
import type { GroupMemory } from './memory/registered.ts';
import type { Place } from './rendezvous/environment.ts';
import type { Capabilities, Transport } from './transports/transport.ts';

/** Options of `allReduce`. */
export interface AllReduceOptions {
  /** Default `sum`. */
  readonly op?: ReduceOp;
}

/** Options of `reduceScatter`. */
export interface ReduceScatterOptions {
  /** Elements of the whole array that each rank gets; they may differ and may be 0. */
  readonly counts: readonly number[];
  /** Default `sum`. */
  readonly op?: ReduceOp;
}

/** Options of `allGather`. */
export interface AllGatherOptions {
  /** Elements that each rank contributes; they may differ and may be 0. */
  readonly counts: readonly number[];
}

/** Options of `broadcast`. */
export interface BroadcastOptions {
  /** The rank whose elements all get. */
  readonly source: number;
}

/**
 * The processes of one job, of which this is one. All ranks make the same calls in the same order.
 *
 * Sums are taken in rank order, so they have the same bits on every rank, in every memory, and from run to run; a mean is that sum
 * times fround(1 / size). Blocking forms end in `Sync`. The others give a promise: between processes of one host the work is done at once,
 * on the calling thread; between hosts it goes on meanwhile, and arrays must be left alone until it is done. Counts are elements.
 *
 * Every call throws a `CollectivesError`: `bad-argument` and `unsupported` before anything is sent, after which the group goes on;
 * `peer-lost`, `timeout`, `mismatch`, `aborted` and `closed` on all ranks, after which it can only be closed.
 */
export interface ProcessGroup {
  readonly rank: number;
  readonly size: number;
  readonly localRank: number;
  readonly localSize: number;
  readonly capabilities: Capabilities;
  /** Set by the caller; travels with errors. */
  step: number;

  /**
   * Memory that collectives work on in place. Collective and blocking; `peerBytes` and `groupBytes` must be the same on all ranks. It holds
   * a control page, one region per rank that its peers can read, one region that is the same bytes on every rank, and private bytes.
   *
   * @throws {CollectivesError} also `unsupported` where there is no room, with the numbers; then on all ranks alike.
   */
  allocate(sizes: GroupSizes): GroupMemory;

  /** Every x <- x of rank 0 op x of rank 1 op ... In place. */
  allReduceSync(x: Elements, options?: AllReduceOptions): void;
  /** mine <- this rank's part of the reduced `whole`, which stays. `mine` may be that part of `whole` itself. */
  reduceScatterSync(mine: Elements, whole: Elements, options: ReduceScatterOptions): void;
  /** whole <- every rank's `mine`, in rank order. `mine` may be the own part of `whole`; if `whole` lies in the group region, only a barrier is left of it. */
  allGatherSync(whole: Elements, mine: Elements, options: AllGatherOptions): void;
  /** x <- x of the source. */
  broadcastSync(x: Elements, options: BroadcastOptions): void;
  /** Waits until all ranks are here. */
  barrierSync(): void;

  allReduce(x: Elements, options?: AllReduceOptions): Promise<void>;
  reduceScatter(mine: Elements, whole: Elements, options: ReduceScatterOptions): Promise<void>;
  allGather(whole: Elements, mine: Elements, options: AllGatherOptions): Promise<void>;
  broadcast(x: Elements, options: BroadcastOptions): Promise<void>;
  barrier(): Promise<void>;

  /** One atomic load while all is well; throws what made the group fail. For the pauses of long computations. */
  throwIfAborted(): void;
  /** Makes the group fail on all ranks, with code `aborted` and this reason. Waits for nobody. May be called twice, and after an error. */
  abort(reason: string): void;
  /** Leaves the group. A rank that ends without it counts as lost. May be called twice, and after an error. */
  close(): Promise<void>;
}

/** A process group over any transport: checks and numbers the calls. */
export class Group implements ProcessGroup {
  readonly rank: number;
  readonly size: number;
  readonly localRank: number;
  readonly localSize: number;
  step = 0;
  readonly #transport: Transport;
  #seq = 0;
  #closing: Promise<void> | undefined;

  constructor(place: Place, transport: Transport) {
    this.rank = place.rank;
    this.size = place.size;
    this.localRank = place.localRank;
    this.localSize = place.localSize;
    this.#transport = transport;
  }

  get capabilities(): Capabilities {
    return this.#transport.capabilities;
  }

  #caller(): Caller {
    return { rank: this.rank, size: this.size, seq: this.#seq + 1, step: this.step };
  }

  #throwIfClosed(who: string): void {
    if (this.#closing === undefined) return;
    throw new CollectivesError('closed', `${who}: rank ${this.rank} has closed this group. Connect again.`, {
      rank: this.rank,
      operation: who,
      step: this.step,
    });
  }

  #run(call: Call): void {
    this.#throwIfClosed(call.operation);
    this.#seq = call.seq;
    this.#transport.run(call);
  }

  /** Between processes of one host the work is done here and now; elsewhere it goes on while this thread does something else. */
  async #start(call: Call): Promise<void> {
    if (this.#transport.start === undefined) {
      this.#run(call);
      return;
    }
    this.#throwIfClosed(call.operation);
    this.#seq = call.seq;
    await this.#transport.start(call);
  }

  allocate(sizes: GroupSizes): GroupMemory {
    this.#throwIfClosed('allocate');
    const call = allocateCall(sizes, this.#caller());
    this.#seq = call.seq;
    return this.#transport.allocate(call, sizes);
  }

  allReduceSync(x: Elements, { op }: AllReduceOptions = {}): void {
    this.#run(allReduceCall(x, { op, caller: this.#caller() }));
  }

  reduceScatterSync(mine: Elements, whole: Elements, { counts, op }: ReduceScatterOptions): void {
    this.#run(reduceScatterCall(mine, whole, { counts, op, caller: this.#caller() }));
  }

  allGatherSync(whole: Elements, mine: Elements, { counts }: AllGatherOptions): void {
    this.#run(allGatherCall(whole, mine, { counts, caller: this.#caller() }));
  }

  broadcastSync(x: Elements, { source }: BroadcastOptions): void {
    this.#run(broadcastCall(x, { source, caller: this.#caller() }));
  }

  barrierSync(): void {
    this.#run(barrierCall(this.#caller()));
  }

  async allReduce(x: Elements, { op }: AllReduceOptions = {}): Promise<void> {
    await this.#start(allReduceCall(x, { op, caller: this.#caller() }));
  }

  async reduceScatter(mine: Elements, whole: Elements, { counts, op }: ReduceScatterOptions): Promise<void> {
    await this.#start(reduceScatterCall(mine, whole, { counts, op, caller: this.#caller() }));
  }

  async allGather(whole: Elements, mine: Elements, { counts }: AllGatherOptions): Promise<void> {
    await this.#start(allGatherCall(whole, mine, { counts, caller: this.#caller() }));
  }

  async broadcast(x: Elements, { source }: BroadcastOptions): Promise<void> {
    await this.#start(broadcastCall(x, { source, caller: this.#caller() }));
  }

  async barrier(): Promise<void> {
    await this.#start(barrierCall(this.#caller()));
  }

  throwIfAborted(): void {
    this.#throwIfClosed('throwIfAborted');
    this.#transport.throwIfAborted();
  }

  abort(reason: string): void {
    if (this.#closing === undefined) this.#transport.abort(reason, this.step);
  }

  close(): Promise<void> {
    this.#closing ??= this.#transport.close();
    return this.#closing;
  }
}
