/** Writes that no request waits for, gathered into batches. */
export interface WriteBuffer<T> {
  add(item: T): void;
  /** Resolves when all that was added before has been written, or given up. */
  flush(): Promise<void>;
  /** Writes what is left; nothing may be added afterwards. */
  close(): Promise<void>;
}

export interface BufferOptions<T> {
  write(items: readonly T[]): Promise<void>;
  /** Called with a failed write; its items are kept for the next one. */
  onError(error: unknown): void;
  /** How long an item waits at most before it is written. */
  readonly delayMs?: number | undefined;
  /** How many items are kept while writes fail: then the oldest go. */
  readonly capacity?: number | undefined;
}

/** A buffer that lives in this process: what it holds is lost with it, so it is for notes, never for state. */
export function openBuffer<T>({ write, onError, delayMs = 500, capacity = 10_000 }: BufferOptions<T>): WriteBuffer<T> {
  let items: T[] = [];
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  const writeAll = async (): Promise<void> => {
    const taken = items;
    items = [];
    if (taken.length === 0) return;
    try {
      await write(taken);
    } catch (error) {
      items = [...taken, ...items].slice(-capacity);
      onError(error);
    }
  };
  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    writing = writing.then(writeAll);
    return writing;
  };
  return {
    add(item) {
      items.push(item);
      if (items.length > capacity) items.shift();
      timer ??= setTimeout(flush, delayMs).unref();
    },
    flush,
    close: flush,
  };
}
