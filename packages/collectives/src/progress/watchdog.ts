/** Heartbeats that may be missed before a rank counts as frozen. */
export const MISSED_HEARTBEATS = 10;

/**
 * Knows who has not been heard of for too long. Pure: it is told the time.
 *
 * A process that was frozen itself finds on waking that everybody was silent. So when its own ticks were late it blames nobody and
 * starts counting anew.
 */
export class Watchdog {
  readonly #limitMs: number;
  readonly #tickMs: number;
  readonly #lastHeard = new Map<number, number>();
  #lastTick: number | undefined;

  constructor({ heartbeatMs }: { heartbeatMs: number }) {
    this.#limitMs = MISSED_HEARTBEATS * heartbeatMs;
    this.#tickMs = heartbeatMs;
  }

  /** A rank has said something, or is expected to from now on. */
  heard(rank: number, nowMs: number): void {
    this.#lastHeard.set(rank, nowMs);
  }

  /** A rank may be silent from now on. */
  forget(rank: number): void {
    this.#lastHeard.delete(rank);
  }

  /** To be called at every heartbeat. @returns the ranks silent for more than the limit, and for how long. */
  late(nowMs: number): { rank: number; silentMs: number }[] {
    const own = nowMs - (this.#lastTick ?? nowMs);
    this.#lastTick = nowMs;
    if (own > this.#tickMs + this.#limitMs / 2) {
      for (const rank of this.#lastHeard.keys()) this.#lastHeard.set(rank, nowMs);
      return [];
    }
    return [...this.#lastHeard]
      .map(([rank, at]) => ({ rank, silentMs: nowMs - at }))
      .filter(({ silentMs }) => silentMs > this.#limitMs)
      .sort((a, b) => a.rank - b.rank);
  }
}
