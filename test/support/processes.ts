/** Processes of Gatehouse as they run in production: built, each with settings of its own, ended by its own handle. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll } from '@jest/globals';
import { findFreePort } from '../../src/lib/freePort.ts';

export interface Running {
  /** What it has logged so far. */
  readonly output: string;
  /** Ends it gracefully; answers its exit code. */
  stop(): Promise<number | null>;
  /** Ends it in the middle of whatever it does. */
  kill(): Promise<void>;
}

export interface RunningWeb extends Running {
  readonly url: string;
}

const root = fileURLToPath(new URL('../../', import.meta.url));
const running = new Set<Running>();

afterAll(async () => {
  await Promise.all([...running].map((one) => one.kill()));
});

/** Where this Jest worker builds: files that run at once must not build into each other's processes. */
export const built = `dist/for-test-worker-${process.env.JEST_WORKER_ID ?? 0}`;

/** Builds what the processes run, as `npm start` does, but for the types, of which nothing is asked here: a tenth of the work. */
export async function buildProcesses(): Promise<void> {
  const options = ['-p', 'tsconfig.json', '--outDir', built, '--noCheck', '--incremental', 'false'];
  const compiler = spawn(process.execPath, ['node_modules/typescript/bin/tsc', ...options], {
    cwd: root,
    stdio: 'ignore',
  });
  await once(compiler, 'exit');
}

/** Starts a web process on a free port and waits until it is ready to serve. */
export async function startWeb(env: Readonly<Record<string, string>>): Promise<RunningWeb> {
  const port = await findFreePort(0);
  const url = `http://127.0.0.1:${port}`;
  const web = start(`${built}/src/main.js`, { ...env, PORT: String(port), HOST: '127.0.0.1' });
  await ready(web);
  return {
    url,
    stop: web.stop,
    kill: web.kill,
    get output() {
      return web.output;
    },
  };
}

/** Starts a worker and waits until it takes jobs. */
export async function startWorker(env: Readonly<Record<string, string>>): Promise<Running> {
  const worker = start(`${built}/workers/main.js`, env);
  await ready(worker);
  return worker;
}

interface Started extends Running {
  readonly child: ChildProcess;
}

function start(script: string, env: Readonly<Record<string, string>>): Started {
  const child = spawn(process.execPath, [script], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '', GATEHOUSE_LOG_LEVEL: 'info', GATEHOUSE_SCIM_BURST: '9999999', ...env },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> => {
    running.delete(started);
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
    }
    return child.exitCode;
  };
  const started: Started = {
    child,
    get output() {
      return output;
    },
    stop: () => end('SIGTERM'),
    kill: async () => void (await end('SIGKILL')),
  };
  running.add(started);
  return started;
}

async function ready(process: Started): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!process.output.includes('"msg":"ready"')) {
    if (process.child.exitCode !== null || Date.now() > deadline) {
      throw new Error(`a process did not become ready:\n${process.output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
