import type { Cause } from '../errors.ts';
import type { BoardHandle } from '../memory/medium.ts';
import { type OpenBoard, openBoard } from '../memory/open-board.ts';
import { Hub } from '../rendezvous/hub.ts';
import { Spoke } from '../rendezvous/spoke.ts';
import type { Star } from '../rendezvous/star.ts';
import type { Frame } from '../wire/frame.ts';
import type { Order, ProgressData, Report } from './messages.ts';
import { Watchdog } from './watchdog.ts';

/**
 * What a rank's progress thread does: joins the group, carries the store while it starts, then beats, listens, and raises the alarm. The main
 * thread may be deep in native code all the while.
 */
export class Progress {
  readonly #data: ProgressData;
  readonly #report: (report: Report) => void;
  readonly #star: Star & { readonly why: () => string };
  readonly #watchdog: Watchdog;
  readonly #deadline: NodeJS.Timeout;
  readonly #heart: NodeJS.Timeout;
  /** Ranks that have said goodbye. */
  readonly #departed = new Set<number>();
  #joined: readonly number[] = [];
  #opened: OpenBoard | undefined;
  #rung = false;
  #over = false;

  constructor(data: ProgressData, report: (report: Report) => void) {
    this.#data = data;
    this.#report = report;
    this.#watchdog = new Watchdog(data);
    this.#star = this.#join();
    this.#deadline = setTimeout(() => this.#fail(this.#tooLate()), data.timeoutMs);
    this.#heart = setInterval(() => this.#beat(), data.heartbeatMs);
  }

  #join(): Star & { readonly why: () => string } {
    const { place } = this.#data;
    const events = {
      roster: (joined: readonly number[]) => this.#roster(joined),
      message: (from: number, type: Frame['type']) => this.#hear(from, type),
      lost: (rank: number, reason: string) => this.#lost(rank, `${reason} without a goodbye, so its process ended`),
      failed: (cause: Cause) => this.#fail(cause),
    };
    if (place.rank !== 0) {
      const spoke = new Spoke(place, events);
      return Object.assign(spoke, { why: () => `Last attempt: ${spoke.lastReason}. ` });
    }
    const hub = new Hub(place, events);
    return Object.assign(hub, { why: () => (hub.refusals.size === 0 ? '' : `Turned away: ${[...hub.refusals].join('; ')}. `) });
  }

  order(order: Order): void {
    switch (order.do) {
      case 'set':
        this.#star.set(order.key, order.value);
        break;
      case 'wait':
        this.#star.wait(order.key, (value) => this.#report({ is: 'value', key: order.key, value }));
        break;
      case 'watch':
        void this.#watch(order.board);
        break;
      case 'ring':
        this.#star.tell('abort');
        break;
      case 'close':
        void this.#close().then(() => this.#report({ is: 'closed' }));
        break;
    }
  }

  #roster(joined: readonly number[]): void {
    this.#joined = joined;
    const now = performance.now();
    for (const rank of this.#star.neighbours()) this.#watchdog.heard(rank, now);
    if (joined.length === this.#data.place.size) this.#report({ is: 'joined' });
  }

  #tooLate(): Cause {
    const { place, timeoutMs } = this.#data;
    const all = Array.from({ length: place.size }, (_, r) => r);
    const missing = all.filter((r) => !this.#joined.includes(r) && !(r === place.rank && this.#joined.length > 0));
    const where = `${place.host}:${place.port}`;
    if (missing.length === 0) {
      return {
        code: 'rendezvous',
        missingRanks: [],
        waitedMs: timeoutMs,
        message: `rendezvous: all ranks met at ${where}, but did not agree on shared memory within ${timeoutMs} ms.`,
      };
    }
    if (this.#joined.length === 0) {
      return {
        code: 'rendezvous',
        rank: 0,
        missingRanks: [0],
        waitedMs: timeoutMs,
        message: `rendezvous: rank ${place.rank} did not reach rank 0 at ${where} within ${timeoutMs} ms. ${this.#star.why()}Is rank 0 running, with the same MASTER_ADDR and MASTER_PORT?`,
      };
    }
    return {
      code: 'rendezvous',
      rank: missing[0],
      missingRanks: missing,
      waitedMs: timeoutMs,
      message: `rendezvous: rank${missing.length > 1 ? 's' : ''} ${missing.join(', ')} of ${place.size} did not come to ${where} within ${timeoutMs} ms. ${this.#star.why()}Were all ranks started, with the same MASTER_ADDR, MASTER_PORT and WORLD_SIZE?`,
    };
  }

  /** The start is over: from now on failures go to the board. */
  async #watch(handle: BoardHandle): Promise<void> {
    let opened: OpenBoard;
    try {
      opened = await openBoard(handle, this.#data.place);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#fail({ code: 'unsupported', message: `the progress thread cannot open the shared memory: ${reason}` });
      return;
    }
    if (this.#over) {
      opened.close();
      return;
    }
    clearTimeout(this.#deadline);
    this.#opened = opened;
    if (this.#rung) opened.board.wake();
    this.#report({ is: 'watching' });
  }

  #beat(): void {
    this.#star.tell('heartbeat');
    for (const { rank, silentMs } of this.#watchdog.late(performance.now())) {
      this.#watchdog.forget(rank);
      this.#lost(rank, `its heartbeat has not been heard for ${Math.round(silentMs)} ms, so its process stands still`, silentMs);
    }
  }

  #hear(from: number, type: Frame['type']): void {
    this.#watchdog.heard(from, performance.now());
    if (type === 'bye') {
      this.#departed.add(from);
      this.#watchdog.forget(from);
    }
    if (type === 'abort') {
      this.#rung = true;
      this.#opened?.board.wake();
      this.#star.tell('abort', from);
    }
  }

  /** A rank is gone or frozen. */
  #lost(rank: number, reason: string, waitedMs?: number): void {
    this.#watchdog.forget(rank);
    if (this.#departed.has(rank) || this.#over) return;
    const last = this.#opened?.board.lastCall(rank);
    const where =
      last === undefined
        ? 'It was lost while the group was starting.'
        : last.seq === 0
          ? 'It had not entered any call.'
          : `The last call it entered was ${last.operation}, call ${last.seq} of step ${last.step}.`;
    const at = last === undefined || last.seq === 0 ? {} : { operation: last.operation, seq: last.seq, step: last.step };
    this.#fail({
      code: 'peer-lost',
      rank,
      ...at,
      ...(waitedMs === undefined ? {} : { waitedMs }),
      message: `rank ${rank} is lost: ${reason}. ${where}`,
    });
  }

  /** Tells all ranks: by the board once there is one, else by the links. */
  #fail(cause: Cause): void {
    if (this.#over) return;
    if (this.#opened !== undefined) {
      this.#opened.board.raise(cause);
      this.#star.tell('abort');
      return;
    }
    this.#over = true;
    clearTimeout(this.#deadline);
    this.#star.announce(cause);
    this.#report({ is: 'failed', cause });
  }

  /** Anything that was not foreseen here is the end of the group, not of the process. */
  crash(error: unknown): void {
    this.#fail({
      code: 'aborted',
      rank: this.#data.place.rank,
      message: `the progress thread of rank ${this.#data.place.rank} failed: ${error instanceof Error ? error.message : String(error)}`,
    });
  }

  async #close(): Promise<void> {
    this.#over = true;
    clearTimeout(this.#deadline);
    clearInterval(this.#heart);
    this.#star.tell('bye');
    await this.#star.close();
    this.#opened?.close();
  }
}
