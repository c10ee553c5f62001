import { Worker } from 'node:worker_threads';
import { type Cause, CollectivesError, causeOf, errorFor } from '../errors.ts';
import type { BoardHandle } from '../memory/medium.ts';
import type { WireCall } from '../mesh/wire-call.ts';
import type { Order, ProgressData, Report } from './messages.ts';

/** How long the thread may take to say goodbye before it is ended. */
const CLOSE_MS = 2000;

/** The main thread's handle on the progress thread. */
export class ProgressThread {
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  readonly #waiting = new Map<string, ((report: Report) => void)[]>();
  #rejectAll: (error: Error) => void = () => {};
  readonly #failed: Promise<never>;
  readonly #joined: Promise<Report>;
  #closing: Promise<void> | undefined;
  /** Calls that a promise waits for. */
  #pending = 0;

  /** Starts the thread, which at once begins to look for the other ranks. */
  constructor(data: ProgressData, { crashed }: { crashed(cause: Cause): void }) {
    this.#failed = new Promise<never>((_, reject) => {
      this.#rejectAll = reject;
    });
    this.#joined = this.#next('joined'); // from the first moment: the others may all be there already
    for (const later of [this.#failed, this.#joined]) later.catch(() => {}); // whoever waits hears of it; nobody may be waiting yet
    this.#worker = startWorker(data);
    this.#exited = new Promise((resolve) => this.#worker.once('exit', () => resolve()));
    this.#worker.on('message', (report: Report) => this.#hear(report));
    this.#worker.on('error', (error) => {
      const cause: Cause = { ...causeOf(error), message: `the progress thread ended: ${causeOf(error).message}` };
      this.#rejectAll(errorFor(cause));
      crashed(cause);
    });
  }

  #hear(report: Report): void {
    if (report.is === 'failed') this.#rejectAll(errorFor(report.cause));
    const key = report.is === 'value' ? `value ${report.key}` : report.is === 'done' ? `done ${report.seq}` : report.is;
    for (const found of this.#waiting.get(key) ?? []) found(report);
    this.#waiting.delete(key);
  }

  #next(key: string): Promise<Report> {
    const found = new Promise<Report>((resolve) => this.#waiting.set(key, [...(this.#waiting.get(key) ?? []), resolve]));
    return Promise.race([found, this.#failed]);
  }

  #order(order: Order): void {
    this.#worker.postMessage(order);
  }

  /** Resolves when every rank is there. @throws {CollectivesError} `rendezvous`, `unauthorized`, `peer-lost`. */
  async joined(): Promise<void> {
    await this.#joined;
  }

  /** Tells the other ranks a small text. */
  set(key: string, value: string): void {
    this.#order({ do: 'set', key, value });
  }

  /** Waits for a text of another rank, at most until the deadline of the start. */
  async wait(key: string): Promise<string> {
    const found = this.#next(`value ${key}`);
    this.#order({ do: 'wait', key });
    const report = await found;
    if (report.is !== 'value') throw new CollectivesError('rendezvous', `store: no value came for ${key}`);
    return report.value;
  }

  /** Resolves when all ranks watch. From then on the thread raises failures on the board, and does not keep the process alive. */
  async watch(board: BoardHandle): Promise<void> {
    const started = this.#next('started');
    this.#order({ do: 'watch', board });
    await started;
    this.#worker.unref();
  }

  /** Resolves when every two ranks are connected and all watch. @param host to serve on; else the address by which rank 0 is reached. */
  async weave(desk: SharedArrayBuffer, host: string | undefined): Promise<void> {
    const started = this.#next('started');
    this.#order({ do: 'weave', desk, host });
    await started;
    this.#worker.unref();
  }

  /** Hands over a call, which is made after those before it. */
  call(call: WireCall): void {
    this.#order({ do: 'call', call });
  }

  /** Hands over a call without waiting. Resolves when it is done, or the group has failed; the process stays up until then. */
  async callAndTell(call: WireCall): Promise<void> {
    this.#pending += 1;
    this.#worker.ref();
    const over = Promise.race([this.#next(`done ${call.seq}`), this.#next('raised')]);
    this.call(call);
    try {
      await over;
    } finally {
      this.#pending -= 1;
      if (this.#pending === 0 && this.#closing === undefined) this.#worker.unref();
    }
  }

  /** Wakes the other ranks: a cause was raised on the board. */
  ring(): void {
    this.#order({ do: 'ring' });
  }

  /** The start failed here: tells the other ranks why. */
  fail(cause: Cause): void {
    this.#order({ do: 'fail', cause });
  }

  /** Says goodbye and ends the thread. May be called twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#worker.ref();
    const closed = new Promise<void>((resolve) => this.#waiting.set('closed', [() => resolve()]));
    this.#order({ do: 'close' });
    let late: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      late = setTimeout(resolve, CLOSE_MS);
    });
    await Promise.race([closed, this.#exited, patience]);
    clearTimeout(late);
    await this.#worker.terminate();
  }
}

function startWorker(data: ProgressData): Worker {
  const source = import.meta.url.endsWith('.ts');
  const url = new URL(source ? './worker.ts' : './worker.js', import.meta.url);
  if (!source) return new Worker(url, { workerData: data });
  // From sources: Node.js 20 does not read TypeScript, so a first line teaches it to.
  const tsx = import.meta.resolve('tsx/esm/api');
  const program = `import(${JSON.stringify(tsx)}).then(({ register }) => { register(); return import(${JSON.stringify(url.href)}); });`;
  return new Worker(program, { eval: true, workerData: data });
}
