/**
 * Flushes of the log to the disk, each shared by all that was committed before it began. One runs at a time, on a thread
 * beside, while further transactions are worked off.
 */
export class Flushes {
  readonly #flush: () => Promise<void>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(flush: () => Promise<void>) {
    this.#flush = flush;
  }

  /** Flushes what is committed now; resolves when it is on the disk. One that runs already began too early for it. */
  request(): Promise<void> {
    if (this.#running === undefined) return this.#begin();
    this.#next ??= this.#running.catch(() => undefined).then(() => this.#begin());
    return this.#next;
  }

  /** Resolves when all that is committed now is on the disk; undefined where it is. After a flush that failed it rejects for good. */
  pending(): Promise<void> | undefined {
    return this.#next ?? this.#running;
  }

  #begin(): Promise<void> {
    this.#next = undefined;
    this.#running = this.#flush().then(() => {
      this.#running = undefined;
    });
    return this.#running;
  }
}
