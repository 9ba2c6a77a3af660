import { Worker } from 'node:worker_threads';

const work = `
const { parentPort } = require('node:worker_threads');
const { fdatasyncSync } = require('node:fs');
parentPort.on('message', (file) => {
  let fault;
  try { fdatasyncSync(file); } catch (error) { fault = String(error); }
  parentPort.postMessage(fault);
});`;

/**
 * A thread that flushes files and does nothing else. Node's own few threads also wait for name servers, and every answer of
 * the store may wait for a flush.
 */
export class FlushThread {
  readonly #worker = new Worker(work, { eval: true });
  #settle: ((fault: string | undefined) => void) | undefined;
  /** Why it flushes no more. */
  #ended: string | undefined;

  constructor() {
    this.#worker.on('message', (fault: string | undefined) => this.#settle?.(fault));
    this.#worker.on('error', (error) => this.#giveUp(String(error)));
    this.#worker.on('exit', () => this.#giveUp('the thread that flushes has ended'));
    // it keeps no process from its end, but for as long as somebody waits for it
    this.#worker.unref();
  }

  #giveUp(why: string): void {
    this.#ended ??= why;
    this.#settle?.(this.#ended);
  }

  /** Resolves when all that was written to the open file is on the disk. One at a time. Throws Error. */
  async flush(file: number): Promise<void> {
    if (this.#ended !== undefined) throw new Error(this.#ended);
    this.#worker.ref();
    const fault = await new Promise<string | undefined>((resolve) => {
      this.#settle = resolve;
      this.#worker.postMessage(file);
    });
    this.#worker.unref();
    if (fault !== undefined) throw new Error(fault);
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
