/** A queue between whoever puts and whoever waits, in order on both sides. */
export interface Mailbox<Item> {
  put(item: Item): void;
  /** The next item, once there is one. */
  take(): Promise<Item>;
  /** What was put before can still be taken; then every `take` fails with this error. The first call counts. */
  fail(error: Error): void;
}

/** @param waiting is told when someone begins to wait, and when no one waits any more. */
export function createMailbox<Item>(waiting: (anyone: boolean) => void = () => {}): Mailbox<Item> {
  const items: Item[] = [];
  const waiters: { resolve: (item: Item) => void; reject: (error: Error) => void }[] = [];
  let failure: Error | undefined;
  return {
    put(item) {
      const waiter = waiters.shift();
      if (!waiter) {
        items.push(item);
        return;
      }
      waiter.resolve(item);
      if (waiters.length === 0) waiting(false);
    },
    take() {
      const item = items.shift();
      if (item !== undefined) return Promise.resolve(item);
      if (failure) return Promise.reject(failure);
      if (waiters.length === 0) waiting(true);
      return new Promise((resolve, reject) => waiters.push({ resolve, reject }));
    },
    fail(error) {
      failure ??= error;
      if (waiters.length > 0) waiting(false);
      for (const { reject } of waiters.splice(0)) reject(failure);
    },
  };
}
