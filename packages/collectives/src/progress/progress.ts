import type { Cause } from '../errors.ts';
import type { BoardHandle } from '../memory/medium.ts';
import { openBoard } from '../memory/open-board.ts';
import { Desk } from '../mesh/desk.ts';
import { Mesh } from '../mesh/mesh.ts';
import { Hub } from '../rendezvous/hub.ts';
import { Spoke } from '../rendezvous/spoke.ts';
import type { Star, StarEvents } from '../rendezvous/star.ts';
import type { Frame } from '../wire/frame.ts';
import type { Alarm } from './alarm.ts';
import { lateStart, lostRank } from './causes.ts';
import type { Order, ProgressData, Report } from './messages.ts';
import { Watchdog } from './watchdog.ts';

/** How long the word of a survivor may take to come after the end of a connection. */
const HEARSAY_MS = 50;

/** How often to look for ranks whose processes are ending. */
const LOOK_MS = 15;

/**
 * What a rank's progress thread does, while the main thread may be deep in native code: joins the group, carries the store while it
 * starts, then beats, listens, and raises the alarm.
 *
 * The start ends with a signal from rank 0, when every rank watches. It is sent to all before anything that a rank may do afterwards, so a rank
 * that is lost before it has spoilt the start, and one that is lost after it is found on the board.
 */
export class Progress {
  readonly #data: ProgressData;
  readonly #report: (report: Report) => void;
  readonly #star: Star;
  readonly #watchdog: Watchdog;
  readonly #deadline: NodeJS.Timeout;
  readonly #heart: NodeJS.Timeout;
  /** Ranks that said goodbye, or whose loss is known. */
  readonly #gone = new Set<number>();
  #joined: readonly number[] = [];
  #opened: { readonly board: Alarm; close(): void } | undefined;
  #mesh: Mesh | undefined;
  #desk: Desk | undefined;
  #look: NodeJS.Timeout | undefined;
  #unsign: () => void = () => {};
  #state: 'starting' | 'started' | 'over' = 'starting';

  constructor(data: ProgressData, report: (report: Report) => void) {
    this.#data = data;
    this.#report = report;
    this.#watchdog = new Watchdog(data);
    const events: StarEvents = {
      roster: (joined) => this.#roster(joined),
      message: (from, type) => this.#hear(from, type),
      lost: (rank, reason) => this.#lost(rank, `${reason} without a goodbye, so its process ended`),
      failed: (cause) => this.#fail(cause),
    };
    this.#star = data.place.rank === 0 ? new Hub(data.place, events) : new Spoke(data.place, events);
    this.#deadline = setTimeout(
      () => this.#fail(lateStart({ ...data, joined: this.#joined, why: this.#star.why() })),
      data.timeoutMs,
    );
    this.#heart = setInterval(() => this.#beat(), data.heartbeatMs);
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
      case 'weave':
        void this.#weave(order);
        break;
      case 'call':
        this.#mesh?.make(order.call);
        break;
      case 'ring':
        this.#tellAlarm();
        break;
      case 'fail':
        this.#fail(order.cause);
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

  /** Opens the board, says so, and waits for the word that all have. */
  async #watch(handle: BoardHandle): Promise<void> {
    const { rank, size } = this.#data.place;
    try {
      await this.#guard(await openBoard(handle, { rank, size }));
    } catch (error) {
      this.crash(error);
    }
  }

  /** Connects every two ranks, then waits as `#watch` does. */
  async #weave({ desk: buffer, host }: Extract<Order, { do: 'weave' }>): Promise<void> {
    const { place } = this.#data;
    const desk = new Desk(place.size, buffer);
    this.#desk = desk;
    const exchange = {
      set: (key: string, value: string) => this.#star.set(key, value),
      wait: (key: string) => new Promise<string>((resolve) => this.#star.wait(key, resolve)),
    };
    try {
      this.#mesh = await Mesh.weave(place, {
        host: host ?? this.#star.localAddress(),
        desk,
        exchange,
        events: {
          lost: (rank, reason) => this.#lost(rank, `${reason} without a goodbye, so its process ended`),
          failed: (cause) => this.#fail(cause),
          done: (seq) => this.#report({ is: 'done', seq }),
        },
      });
      await this.#guard({ board: desk, close() {} });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#fail({ code: 'rendezvous', rank: place.rank, message: `rendezvous: rank ${place.rank}: ${reason}` });
    }
  }

  /** Keeps watch over what was opened, once all ranks do. */
  async #guard(opened: { readonly board: Alarm; close(): void }): Promise<void> {
    const { rank, size } = this.#data.place;
    this.#opened = opened;
    if (this.#state === 'over') {
      this.#opened.close();
      return;
    }
    this.#unsign = this.#opened.board.sign();
    this.#star.wait('go', () => this.#start());
    this.#star.set(`ready/${rank}`, '');
    if (rank !== 0) return;
    let ready = 0;
    for (let r = 0; r < size; r++) {
      this.#star.wait(`ready/${r}`, () => {
        ready++;
        if (ready === size) this.#star.set('go', '');
      });
    }
  }

  #start(): void {
    clearTimeout(this.#deadline);
    if (this.#state === 'starting') this.#state = 'started';
    this.#look = setInterval(() => {
      for (const rank of this.#opened?.board.struckOut() ?? []) this.#lost(rank, 'its process ended without a goodbye');
    }, LOOK_MS);
    this.#report({ is: 'started' });
  }

  #beat(): void {
    this.#star.tell('heartbeat');
    for (const { rank, silentMs } of this.#watchdog.late(performance.now())) {
      this.#lost(rank, `its heartbeat has not been heard for ${Math.round(silentMs)} ms, so its process stands still`, silentMs);
    }
  }

  #hear(from: number, type: Frame['type']): void {
    this.#watchdog.heard(from, performance.now());
    if (type === 'bye') {
      if (this.#state === 'starting') this.#lost(from, 'it left');
      this.#gone.add(from);
      this.#watchdog.forget(from);
    } else if (type === 'abort') {
      this.#opened?.board.wake();
      this.#star.tell('abort', from);
    }
  }

  /** A rank is gone or frozen. */
  #lost(rank: number, reason: string, waitedMs?: number): void {
    this.#watchdog.forget(rank);
    if (this.#gone.has(rank) || this.#state === 'over') return;
    this.#gone.add(rank);
    if (this.#mesh !== undefined && this.#state === 'started') {
      // Whoever hung up because the group has failed has said why, on a connection that may not have been read yet.
      this.#mesh.listen();
      setTimeout(() => this.#fail(lostRank(rank, { reason, board: this.#opened?.board, waitedMs })), HEARSAY_MS);
      return;
    }
    const board = this.#state === 'started' ? this.#opened?.board : undefined;
    this.#fail(lostRank(rank, { reason, board, waitedMs }));
  }

  /** Tells all ranks: by the board once all have it, before that by the links. */
  #fail(cause: Cause): void {
    if (this.#state === 'over') return;
    if (this.#state === 'started') {
      // Over a network the first cause is passed on, once.
      if (this.#mesh !== undefined && this.#opened?.board.aborted()) return;
      this.#opened?.board.raise(cause);
      this.#tellAlarm();
      return;
    }
    this.#state = 'over';
    clearTimeout(this.#deadline);
    this.#star.announce(cause);
    this.#report({ is: 'failed', cause });
  }

  /** A cause was raised here: on one host the others only have to look, over a network it is told to them. */
  #tellAlarm(): void {
    this.#report({ is: 'raised' });
    if (this.#mesh === undefined) {
      this.#star.tell('abort');
      return;
    }
    const cause = this.#opened?.board.cause();
    if (cause === undefined) return;
    this.#star.announce(cause);
    void this.#mesh.announce(cause).then(() => this.#desk?.told());
  }

  /** Anything that was not foreseen here is the end of the group, not of the process. */
  crash(error: unknown): void {
    const { rank } = this.#data.place;
    const reason = error instanceof Error ? error.message : String(error);
    this.#fail({ code: 'aborted', rank, message: `the progress thread of rank ${rank} failed: ${reason}` });
  }

  async #close(): Promise<void> {
    this.#state = 'over';
    clearTimeout(this.#deadline);
    clearInterval(this.#heart);
    clearInterval(this.#look);
    this.#unsign();
    await this.#mesh?.close();
    this.#star.tell('bye');
    await this.#star.close();
    this.#opened?.close();
  }
}
