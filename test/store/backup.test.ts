/** Backups of the embedded store, made by the command as it is shipped, while the data is being written to. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { DatabaseSync } from '@photostructure/sqlite';
import { newId } from '../../src/lib/ids.ts';
import { PLATFORM, type Store } from '../../src/store/index.ts';
import { type CollectionName, collections } from '../../src/store/schemas/index.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { buildProcesses, built, startWeb } from '../support/processes.ts';
import { rows, write } from './support.ts';

beforeAll(buildProcesses, 120_000);

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-backup-'));
  closing.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The command, as `npm run backup -- <target>` runs it. */
async function backUp(env: Readonly<Record<string, string>>, ...target: readonly string[]) {
  const child = spawn(process.execPath, [`${built}/src/backup.js`, ...target], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '', ...env },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const [code] = await once(child, 'close');
  return { code, output };
}

/** Every row of every collection; ids of former versions are random. */
async function dump(store: Store): Promise<ReadonlyMap<string, readonly string[]>> {
  const all = new Map<string, readonly string[]>();
  for (const name of Object.keys(collections) as CollectionName[]) {
    const reads = store.read[name] as unknown as { find(scope: unknown, filter: object): Promise<readonly object[]> };
    const found = await reads.find(PLATFORM, {});
    const texts = found.map((row) => JSON.stringify(name === 'history' ? { ...row, _id: '' } : row));
    all.set(name, name === 'history' ? texts.sort() : texts);
  }
  return all;
}

const org = 'org-1';
const filler = 'x'.repeat(1000);

/** A clock that moves with every transaction, so that the same transactions write the same rows. */
function countingClock() {
  let now = Date.UTC(2026, 0, 1);
  return { now: () => new Date(now++) };
}

const seed = (store: Store) =>
  write(store, async (tx) => {
    await tx.members.insert(org, rows.member(org, { _id: 'mem-count', accountId: 'acc-0' }));
    const padding = Array.from({ length: 8000 }, (_, i) => rows.job(org, { _id: `pad-${i}`, payload: { filler } }));
    await tx.outbox.insertMany(org, padding);
  });

/** The transaction of this number: it writes, changes and removes rows in several collections. */
const step = (store: Store, number: number) =>
  write(store, async (tx) => {
    await tx.outbox.insert(org, rows.job(org, { _id: `job-${number}`, attempts: number }));
    await tx.members.updateOne(org, { _id: 'mem-count' }, { $set: { accountId: `acc-${number}` } });
    await tx.outbox.remove(org, { _id: `job-${number - 20}` });
    await tx.accounts.insert(PLATFORM, { _id: `acc-${number}`, name: String(number) });
  });

test('a backup under load holds exactly what the first n transactions wrote, n of its time, in every collection', async () => {
  const [data, elsewhere] = [await newFolder(), await newFolder()];
  const store = await openSqliteStore({ path: join(data, 'gatehouse.db'), clock: countingClock() });
  closing.push(() => store.close());
  await seed(store);
  let issued = 0;
  let acknowledged = 0;
  let done = false;
  const load = Promise.all(
    Array.from({ length: 8 }, async () => {
      while (!done) {
        issued += 1;
        const number = issued;
        await step(store, number);
        acknowledged = Math.max(acknowledged, number);
      }
    }),
  );
  await sleep(200);
  const before = acknowledged;
  const target = join(elsewhere, 'backup');
  const { code, output } = await backUp({ GATEHOUSE_DATA: data }, target);
  const after = issued;
  done = true;
  await load;
  expect([code, output]).toEqual([0, expect.stringContaining('integrity checked')]);

  const fresh = join(elsewhere, 'data');
  await cp(target, fresh, { recursive: true });
  const restored = await openSqliteStore({ path: join(fresh, 'gatehouse.db') });
  closing.push(() => restored.close());
  const count = Number((await restored.read.members.get(org, 'mem-count'))?.accountId.slice(4));
  expect(count).toBeGreaterThanOrEqual(before);
  expect(count).toBeLessThanOrEqual(after);
  // The load went on while the copy was made.
  expect(after).toBeGreaterThan(before + 8);

  const model = await openSqliteStore({ path: join(await newFolder(), 'gatehouse.db'), clock: countingClock() });
  closing.push(() => model.close());
  await seed(model);
  await Promise.all(Array.from({ length: count }, (_, i) => step(model, i + 1)));
  expect(await dump(restored)).toEqual(await dump(model));
}, 120_000);

test('a backup of a running Gatehouse, started elsewhere, serves the same with the same secrets', async () => {
  const [data, elsewhere] = [await newFolder(), await newFolder()];
  const web = await startWeb({ GATEHOUSE_DATA: data });
  const token = (await readFile(join(data, 'operator-token'), 'utf8')).trim();
  const ask = async (url: string, path: string, body?: object) => {
    const answer = await fetch(`${url}/api/v1${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    return (await answer.json()) as { readonly items?: readonly unknown[] };
  };
  await ask(web.url, '/organizations', { name: 'Acme', owner: { email: 'owner@acme.example' } });
  const target = join(elsewhere, 'deep', 'backup');
  expect(await backUp({ GATEHOUSE_DATA: data }, target)).toMatchObject({ code: 0 });
  expect((await readdir(target)).sort()).toEqual(['gatehouse.db', 'key', 'operator-token']);
  for (const name of ['key', 'operator-token']) {
    expect(await readFile(join(target, name), 'utf8')).toBe(await readFile(join(data, name), 'utf8'));
  }
  for (const name of await readdir(target)) expect((await stat(join(target, name))).mode & 0o777).toBe(0o600);
  expect((await stat(target)).mode & 0o777).toBe(0o700);
  const listed = await ask(web.url, '/organizations');
  await web.stop();
  const again = await startWeb({ GATEHOUSE_DATA: target });
  expect(listed.items).toHaveLength(1);
  expect(await ask(again.url, '/organizations')).toEqual(listed);
  await again.stop();
}, 120_000);

describe('nothing is written where there is', () => {
  async function dataFolder(): Promise<string> {
    const folder = await newFolder();
    const store = await openSqliteStore({ path: join(folder, 'gatehouse.db') });
    await write(store, (tx) =>
      tx.accounts.insertMany(
        PLATFORM,
        Array.from({ length: 500 }, () => ({ _id: newId('account') })),
      ),
    );
    await store.close();
    return folder;
  }

  test('something of that name already, be it an empty folder', async () => {
    const [data, elsewhere] = [await dataFolder(), await newFolder()];
    await mkdir(join(elsewhere, 'empty'));
    await writeFile(join(elsewhere, 'file'), 'kept');
    for (const name of ['empty', 'file']) {
      const { code, output } = await backUp({ GATEHOUSE_DATA: data }, join(elsewhere, name));
      expect([code, output]).toEqual([1, expect.stringContaining('is there already')]);
    }
    expect((await readdir(elsewhere)).sort()).toEqual(['empty', 'file']);
    expect(await readFile(join(elsewhere, 'file'), 'utf8')).toBe('kept');
  });

  test('no data, no name, or a damaged data file', async () => {
    const [data, elsewhere] = [await dataFolder(), await newFolder()];
    const target = join(elsewhere, 'backup');
    const missing = await backUp({ GATEHOUSE_DATA: elsewhere }, target);
    expect([missing.code, missing.output]).toEqual([1, expect.stringContaining('There is no data')]);
    const unnamed = await backUp({ GATEHOUSE_DATA: data });
    expect([unnamed.code, unnamed.output]).toEqual([1, expect.stringContaining('Usage')]);
    const file = join(data, 'gatehouse.db');
    const sqlite = new DatabaseSync(file);
    sqlite.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    sqlite.close();
    const bytes = await readFile(file);
    bytes.fill(0xa5, 8192, bytes.length - 4096);
    await writeFile(file, bytes);
    const damaged = await backUp({ GATEHOUSE_DATA: data }, target);
    expect([damaged.code, damaged.output]).toEqual([1, expect.stringContaining('cannot be copied')]);
    expect(await readdir(elsewhere)).toEqual([]);
  });

  test('MongoDB, whose own tools do it', async () => {
    const elsewhere = await newFolder();
    const env = {
      MONGODB_URI: 'mongodb://127.0.0.1:1/gatehouse',
      GATEHOUSE_KEY: 'k'.repeat(32),
      GATEHOUSE_OPERATOR_TOKEN: 't'.repeat(32),
    };
    const { code, output } = await backUp(env, join(elsewhere, 'backup'));
    expect([code, output]).toEqual([1, expect.stringContaining('mongodump')]);
    expect(await readdir(elsewhere)).toEqual([]);
  });
});
