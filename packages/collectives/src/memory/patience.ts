/**
 * How long to spin before sleeping: several times what waking takes (about 30 microseconds). With less, two ranks of which one once fell
 * asleep go on finding each other asleep.
 */
const LONG_MS = 0.1;

/** Failures in a row that may be chance, or a rank that had something else to do. */
const FEW = 4;

/** How often to try a long spin again where it has not paid. */
const PROBE = 32;

/**
 * Whether spinning pays, learnt from whether it did. Where other programs or threads want the cores, the spinner keeps one from the rank that it waits
 * for; then it spins just as long as looking at the clock takes, but for a try now and then.
 */
export class Patience {
  #failures = 0;

  /** @returns milliseconds to spin next time. */
  spinMs(): number {
    return this.#failures < FEW || this.#failures % PROBE === 0 ? LONG_MS : 0;
  }

  /** What was waited for came while spinning, or did not. */
  learn(came: boolean): void {
    this.#failures = came ? 0 : this.#failures + 1;
  }
}
