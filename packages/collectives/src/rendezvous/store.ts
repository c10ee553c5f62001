/**
 * The small texts that ranks tell each other while they start: rank 0 keeps them. A key is written once; who waits for one gets
 * it when it comes. Pure: no sockets, no clock.
 */
export class Store {
  readonly #values = new Map<string, string>();
  readonly #waiting = new Map<string, ((value: string) => void)[]>();

  /** @throws {Error} where the key has another value already. */
  set(key: string, value: string): void {
    const old = this.#values.get(key);
    if (old !== undefined && old !== value) throw new Error(`store: ${key} is already set`);
    this.#values.set(key, value);
    for (const resolve of this.#waiting.get(key) ?? []) resolve(value);
    this.#waiting.delete(key);
  }

  /** Calls back once, now or when the key is set. */
  wait(key: string, found: (value: string) => void): void {
    const value = this.#values.get(key);
    if (value !== undefined) found(value);
    else this.#waiting.set(key, [...(this.#waiting.get(key) ?? []), found]);
  }
}
