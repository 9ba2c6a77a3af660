/** The processes under measurement, each in a folder and on a port of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '../../src/lib/freePort.ts';

import type { SsoFloorSettings } from './ssoFloor.ts';

const dist = fileURLToPath(new URL('../../', import.meta.url));

export interface Server {
  readonly base: URL;
  readonly pid: number;
  stop(): Promise<void>;
}

export interface Gatehouse extends Server {
  /** From its start to the first ready answer. */
  readonly readyAfterMs: number;
}

export const operatorToken = 'bench-operator-token-0123456789abcdef';

/** A bare Express server with one SQLite table. */
export async function startFloor(folder: string, synchronous: 'FULL' | 'NORMAL'): Promise<Server> {
  const child = spawn(
    process.execPath,
    [join(dist, 'test/bench/floor.js'), join(folder, `floor-${synchronous}.sqlite`), synchronous],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [line] = await once(createInterface(child.stdout), 'line');
  return { base: new URL(`http://127.0.0.1:${line}`), pid: child.pid ?? 0, stop: () => stop(child) };
}

/** The bare libraries of sign-in. */
export async function startSsoFloor(settings: SsoFloorSettings): Promise<Server> {
  const child = spawn(process.execPath, [join(dist, 'test/bench/ssoFloor.js')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH, NODE_ENV: 'production', FLOOR: JSON.stringify(settings) },
  });
  const [line] = await once(createInterface(child.stdout), 'line');
  return { base: new URL(`http://127.0.0.1:${line}`), pid: child.pid ?? 0, stop: () => stop(child) };
}

/** A worker of a distributed Gatehouse; it serves nothing, so its address is nobody's. */
export function startWorker(env: Readonly<Record<string, string>>): Server {
  const child = spawn(process.execPath, [join(dist, 'workers/main.js')], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { PATH: process.env.PATH, NODE_ENV: 'production', GATEHOUSE_LOG_LEVEL: 'error', ...env },
  });
  return { base: new URL('http://127.0.0.1:0'), pid: child.pid ?? 0, stop: () => stop(child) };
}

/** Gatehouse as `npm start` runs it, on what the folder holds: embedded and durable, unless `env` says otherwise. */
export async function startGatehouse(folder: string, env: Readonly<Record<string, string>> = {}): Promise<Gatehouse> {
  const port = await findFreePort(0);
  const base = new URL(`http://127.0.0.1:${port}`);
  const started = performance.now();
  const child = spawn(process.execPath, [join(dist, 'src/main.js')], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      PORT: String(port),
      GATEHOUSE_URL: base.origin,
      GATEHOUSE_DATA: join(folder, 'gatehouse'),
      GATEHOUSE_OPERATOR_TOKEN: operatorToken,
      GATEHOUSE_LOG_LEVEL: 'error',
      // the IdP of the sign-ins is on loopback
      GATEHOUSE_ALLOW_PRIVATE_NETWORK: 'true',
      // one directory sends more than any IdP does
      GATEHOUSE_SCIM_RATE: '9999999',
      GATEHOUSE_SCIM_BURST: '9999999',
      ...env,
    },
  });
  for (let attempt = 0; ; attempt += 1) {
    const ready = await fetch(new URL('/readyz', base)).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) break;
    if (attempt > 1000) throw new Error('Gatehouse did not become ready');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { base, pid: child.pid ?? 0, readyAfterMs: performance.now() - started, stop: () => stop(child) };
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
