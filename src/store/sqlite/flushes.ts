/** Somebody's wait for a flush, and how it ends. */
interface Round {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
}

function openRound(): Round {
  let [resolve, reject] = [() => {}, (_: unknown) => {}];
  const promise = new Promise<void>((...settle) => {
    [resolve, reject] = settle;
  });
  // it may be that nobody waits for it
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}

/**
 * Flushes of the log to the disk, each shared by all that was committed before it began. One runs at a time, beside the
 * transactions that follow. After one that failed nobody knows what the disk has: it was the last.
 */
export class Flushes {
  readonly #flush: () => Promise<void>;
  readonly #lost: (error: unknown) => void;
  #running: Round | undefined;
  #next: Round | undefined;
  #failure: { readonly error: unknown } | undefined;

  /** @param lost is called once, after the flush that failed */
  constructor(flush: () => Promise<void>, lost: (error: unknown) => void) {
    this.#flush = flush;
    this.#lost = lost;
  }

  /** What the flush that failed has said; undefined where none has. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** Flushes what is committed now; resolves when it is on the disk. One that runs already began too early for it. */
  request(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    this.#next ??= openRound();
    const { promise } = this.#next;
    if (this.#running === undefined) void this.#work();
    return promise;
  }

  /** Resolves when all that is committed now is on the disk; undefined where it is. Rejects for good after one that failed. */
  pending(): Promise<void> | undefined {
    return (this.#next ?? this.#running)?.promise;
  }

  #waiting(): Round | undefined {
    return this.#next;
  }

  async #work(): Promise<void> {
    while (this.#next !== undefined) {
      const round = this.#next;
      this.#running = round;
      this.#next = undefined;
      try {
        await this.#flush();
      } catch (error) {
        this.#failure = { error };
        for (const waiting of [round, this.#waiting()]) waiting?.reject(error);
        this.#lost(error);
        return;
      }
      this.#running = undefined;
      round.resolve();
    }
  }
}
