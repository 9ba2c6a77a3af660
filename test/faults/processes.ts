/** Processes of Gatehouse that are killed in the middle of whatever they do, and started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '../../src/lib/freePort.ts';

export interface Victim {
  readonly kind: 'web' | 'worker';
  /** Where a web process listens. */
  readonly url: string | undefined;
  /** SIGKILL; answers when it is gone. */
  kill(): Promise<void>;
  /** Starts the next one in its place; answers when that one is ready. */
  start(): Promise<void>;
  /** SIGTERM; throws where it does not end by itself with code 0. */
  stop(): Promise<void>;
}

const script = { web: 'src/main.js', worker: 'workers/main.js' } as const;
const dist = fileURLToPath(new URL('../../', import.meta.url));
const readyWithinMs = 120_000;
const shownOfOutput = 4_000;

const running = new Set<ChildProcess>();

// Nothing outlives the driver, however it ends.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

/** A process that is not started yet. A web process keeps its port in all its lives. */
export async function prepareProcess(kind: Victim['kind'], env: Readonly<Record<string, string>>): Promise<Victim> {
  const port = kind === 'web' ? await findFreePort(0) : undefined;
  const own = port === undefined ? {} : { PORT: String(port), HOST: '127.0.0.1' };
  let child: ChildProcess | undefined;
  /** What the latest lives have said, those that ended before they were ready included. */
  let output = '';

  /** Answers whether it became ready; false where it ended, as it does while its store is being restarted. */
  async function attempt(deadline: number): Promise<boolean> {
    const started = spawn(process.execPath, [`${dist}${script[kind]}`], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH ?? '',
        GATEHOUSE_LOG_LEVEL: 'info',
        GATEHOUSE_SCIM_BURST: '9999999',
        ...env,
        ...own,
      },
    });
    child = started;
    running.add(started);
    started.once('exit', () => running.delete(started));
    for (const stream of [started.stdout, started.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-shownOfOutput);
      });
    }
    let ready = false;
    started.stdout.on('data', (text: string) => {
      ready ||= text.includes('"msg":"ready"');
    });
    while (!ready && started.exitCode === null && started.signalCode === null) {
      if (Date.now() > deadline) throw new Error(`a ${kind} process did not become ready:\n${output}`);
      await sleep(10);
    }
    return ready;
  }

  async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const ending = child;
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return ending?.exitCode ?? null;
    const ended = once(ending, 'exit');
    ending.kill(signal);
    await ended;
    return ending.exitCode;
  }

  return {
    kind,
    url: port === undefined ? undefined : `http://127.0.0.1:${port}`,
    kill: async () => void (await end('SIGKILL')),
    async start() {
      const deadline = Date.now() + readyWithinMs;
      while (!(await attempt(deadline))) await sleep(250);
    },
    async stop() {
      const code = await end('SIGTERM');
      if (code !== 0) throw new Error(`a ${kind} process ended with ${code}`);
    },
  };
}
