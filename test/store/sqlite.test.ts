/** What is SQLite's own: indexes, shared commits, faults of the file, locks. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, test } from '@jest/globals';
import { DatabaseSync } from '@photostructure/sqlite';
import { AppError } from '../../src/errors.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { PLATFORM, type Scope, type Sort, type Store, startsWith } from '../../src/store/index.ts';
import { type Migration, migrations, versionAfter } from '../../src/store/migrations.ts';
import { openNesting } from '../../src/store/nesting.ts';
import { type CollectionName, collections } from '../../src/store/schemas/index.ts';
import { CollectionReads, compileCollection, selectSql } from '../../src/store/sqlite/collection.ts';
import { type Connection, openConnection, readCommitted } from '../../src/store/sqlite/driver.ts';
import { FlushThread } from '../../src/store/sqlite/flushThread.ts';
import { openSqliteStore, type SqliteStoreOptions } from '../../src/store/sqlite/index.ts';
import { buildTables } from '../../src/store/sqlite/tables.ts';
import type { Collections } from '../../src/store/sqlite/transaction.ts';
import { Writer } from '../../src/store/sqlite/writer.ts';
import { cause, insertOwner, newOrganization, rows, write } from './support.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function newPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-sqlite-'));
  closing.push(() => rm(folder, { recursive: true }));
  return join(folder, 'gatehouse.db');
}

async function openStore(options: Omit<SqliteStoreOptions, 'path'> & { readonly path?: string } = {}): Promise<Store> {
  const store = await openSqliteStore({ ...options, path: options.path ?? (await newPath()) });
  closing.push(() => store.close());
  return store;
}

describe('indexes', () => {
  const plan = async (name: CollectionName, scope: Scope, filter: object, sort?: Sort): Promise<string> => {
    const path = await newPath();
    await (await openStore({ path })).close();
    const { sql, values } = selectSql(compileCollection(name, collections[name]), scope, filter, { sort });
    const sqlite = new DatabaseSync(path);
    const steps = sqlite.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values) as { readonly detail: string }[];
    sqlite.close();
    return steps.map((step) => step.detail).join('; ');
  };

  const hot: readonly (readonly [string, CollectionName, Scope, object, string])[] = [
    ['a row by its id', 'members', 'org', { _id: 'x' }, '_id=?'],
    ['rows by their ids', 'directoryUsers', 'org', { _id: { $in: ['x', 'y'] }, directoryId: 'd' }, '_id=?'],
    ['a token by its hash', 'directoryTokens', PLATFORM, { hash: 'x' }, 'directoryTokens.hash'],
    ['a session by its hash', 'sessions', PLATFORM, { tokenHash: 'x' }, 'sessions.tokenHash'],
    ['a member by account', 'members', 'org', { accountId: 'x' }, 'members.organizationId.accountId'],
    ['the Owner', 'members', 'org', { owner: true }, 'members.organizationId.where.owner'],
    [
      'a directory user by userName',
      'directoryUsers',
      'org',
      { directoryId: 'x', userNameKey: 'y' },
      'directoryUsers.directoryId.userNameKey',
    ],
    [
      'directory users by the beginning of userName',
      'directoryUsers',
      'org',
      { directoryId: 'x', userNameKey: startsWith('y') },
      'directoryUsers.directoryId.userNameKey',
    ],
    [
      'a directory user by externalId',
      'directoryUsers',
      'org',
      { directoryId: 'x', externalId: 'y' },
      'directoryUsers.organizationId.directoryId.externalId._id',
    ],
    [
      'a directory group by displayName',
      'directoryGroups',
      'org',
      { directoryId: 'x', displayNameKey: 'y' },
      'directoryGroups.organizationId.directoryId.displayNameKey._id',
    ],
    [
      'directory users by displayName',
      'directoryUsers',
      'org',
      { directoryId: 'x', displayNameKey: 'y' },
      'directoryUsers.organizationId.directoryId.displayNameKey._id',
    ],
    [
      'directory users changed since',
      'directoryUsers',
      'org',
      { directoryId: 'x', updatedAt: { $gt: new Date() } },
      'directoryUsers.organizationId.directoryId.updatedAt',
    ],
    [
      'deactivated directory users',
      'directoryUsers',
      'org',
      { directoryId: 'x', active: false },
      'directoryUsers.organizationId.directoryId.active._id.where.active',
    ],
    [
      'an address in a directory',
      'directoryEmails',
      'org',
      { directoryId: 'x', valueKey: 'y' },
      'directoryEmails.organizationId.directoryId.valueKey',
    ],
    [
      'jobs that ask for the same',
      'outbox',
      'org',
      { digest: 'x', state: { $ne: 'parked' }, lease: { $exists: false } },
      'outbox.organizationId.digest',
    ],
    ['an edge', 'edges', 'org', { groupId: 'x', memberId: 'y' }, 'edges.organizationId.groupId.memberId'],
    [
      'edges of several members',
      'edges',
      'org',
      { groupId: 'x', memberId: { $in: ['y', 'z'] } },
      'edges.organizationId.groupId.memberId',
    ],
    ['groups of a member', 'edges', 'org', { memberId: 'y' }, 'edges.organizationId.memberId'],
    [
      'grants in a project',
      'grants',
      'org',
      { accountId: 'x', targetId: 'y' },
      'grants.organizationId.accountId.targetId.source.sourceId',
    ],
    ['a proven address', 'accountEmails', PLATFORM, { emailKey: 'x', proven: true }, 'accountEmails.emailKey'],
    ['a default key', 'apiKeys', 'org', { kind: 'default' }, 'apiKeys.organizationId.where.kind'],
    ['the default project', 'projects', 'org', { isDefault: true }, 'projects.organizationId.where.isDefault'],
    [
      'jobs that are due',
      'outbox',
      PLATFORM,
      { state: 'waiting', organizationId: 'x', dueAt: { $lte: new Date() } },
      'outbox.state.organizationId.dueAt',
    ],
    [
      'audit events by number',
      'auditEvents',
      'org',
      { seq: { $gt: 1, $lte: 9 } },
      'auditEvents.organizationId.seq.where.seq',
    ],
  ];
  test.each(hot)('%s is found by an index', async (_, name, scope, filter, index) => {
    const steps = await plan(name, scope, filter);
    expect(steps).toMatch(/^SEARCH/);
    expect(steps).toContain(index);
    expect(steps.replace('SCAN json_each', '')).not.toContain('SCAN');
  });

  test('the audit events without a number are found from one organization to the next, without those that have one', async () => {
    const next = { pending: true, organizationId: { $gt: 'x' } };
    const steps = await plan('auditEvents', PLATFORM, next, { organizationId: 1, _id: 1 });
    expect(steps).toMatch(/^SEARCH/);
    expect(steps).toContain('auditEvents.organizationId._id.where.pending');
    expect(steps).not.toContain('TEMP B-TREE');
  });

  test('a page after a cursor begins at its place in the index', async () => {
    const after = { $and: [{ directoryId: 'x' }, { _id: { $gt: 'usr-1' } }] };
    expect(await plan('directoryUsers', 'org', after)).toMatch(/SEARCH/);
    expect(await plan('auditEvents', 'org', { _id: { $gt: 'aud-1' } })).toMatch(/organizationId._id.*_id>\?/);
    expect(await plan('auditEvents', 'org', {})).not.toContain('TEMP B-TREE');
    expect(await plan('directoryUsers', 'org', { directoryId: 'x' })).not.toContain('TEMP B-TREE');
    expect(await plan('directoryGroups', 'org', { directoryId: 'x' })).not.toContain('TEMP B-TREE');
  });

  test('changed and forgotten definitions are brought in order when the file is opened', async () => {
    const path = await newPath();
    await (await openStore({ path })).close();
    const sqlite = new DatabaseSync(path);
    const definitions = () =>
      sqlite
        .prepare(`SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name`)
        .all()
        .map((row: object) => ({ ...row }));
    const before = definitions();
    sqlite.exec(`DROP INDEX "members.accountId"; CREATE INDEX "members.accountId" ON members (_id);
      DROP TRIGGER "members.protect.update"; CREATE INDEX former ON members (doc)`);
    await (await openStore({ path })).close();
    expect(definitions()).toEqual(before);
    sqlite.close();
  });
});

/** A writer on a real file whose statements fail where the test says so. */
async function faultyWriter(
  fault: (sql: string) => boolean,
  { longestBatchMs, flush }: { longestBatchMs?: number; flush?: (real: Connection) => Promise<void> } = {},
) {
  const path = await newPath();
  const real = openConnection(path, 'write');
  closing.push(() => real.close());
  buildTables(real, collections, true);
  real.harden();
  const failing: Connection = {
    exec: (sql) => real.exec(sql),
    first: (sql, values) => real.first(sql, values),
    all: (sql, values) => real.all(sql, values),
    run(sql, values) {
      if (fault(sql)) throw Object.assign(new Error('disk I/O error'), { code: 'ERR_SQLITE_ERROR', errcode: 10 });
      return real.run(sql, values);
    },
    begin() {
      if (fault('BEGIN')) throw Object.assign(new Error('disk I/O error'), { code: 'ERR_SQLITE_ERROR', errcode: 10 });
      real.begin();
    },
    isInTransaction: () => real.isInTransaction(),
    rest: () => real.rest(),
    spill: () => real.spill(),
    endLong: () => real.endLong(),
    checkpoint: () => real.checkpoint(),
    harden: () => real.harden(),
    flush: () => (flush ? flush(real) : real.flush()),
    close: () => real.close(),
  };
  const compiled = Object.fromEntries(
    Object.entries(collections).map(([name, definition]) => {
      return [name, compileCollection(name as CollectionName, definition)];
    }),
  ) as Collections;
  const committed: string[] = [];
  const lost: unknown[] = [];
  const writer = new Writer({
    ...{ connection: failing, collections: compiled, clock: systemClock, nesting: openNesting(true) },
    ...{ protection: true, rehearse: false, bodyTimeoutMs: 1000, committed: (names) => committed.push(...names) },
    lost: (error) => lost.push(error),
    ...(longestBatchMs !== undefined && { longestBatchMs }),
  });
  const insert = (org: string) => writer.transaction(cause, (tx) => tx.outbox.insert(org, rows.job(org)));
  const count = () => Number(real.first('SELECT count(*) FROM outbox', []));
  const reads = new CollectionReads(compiled.outbox, {
    ...{ connection: real, inside: false, enter: () => undefined },
    settled: () => writer.flushed(),
  });
  return { path, writer, real, insert, count, reads, committed, lost };
}

describe('shared commits', () => {
  /** How many of so many waiting inserts each commit held; they are answered in their order. */
  async function commitsOf(transactions: number, longestBatchMs: number): Promise<readonly number[]> {
    const commits: number[] = [];
    let bodies = 0;
    const { insert, count } = await faultyWriter(
      (sql) => {
        if (sql === 'RELEASE body') bodies += 1;
        if (sql === 'COMMIT') {
          commits.push(bodies);
          bodies = 0;
        }
        return false;
      },
      { longestBatchMs },
    );
    const org = newOrganization();
    const numbers = Array.from({ length: transactions }, (_, i) => i);
    const answered: number[] = [];
    await Promise.all(numbers.map((i) => insert(org).then(() => answered.push(i))));
    expect(count()).toBe(transactions);
    expect(answered).toEqual(numbers);
    return commits;
  }

  test('transactions that wait together share a commit, 64 at most, and are acknowledged in their order', async () => {
    // However slow the machine is: only the number ends these commits.
    const sizes = (transactions: number) => commitsOf(transactions, Number.POSITIVE_INFINITY);
    expect(await sizes(32)).toEqual([32]);
    expect(await sizes(64)).toEqual([64]);
    expect(await sizes(150)).toEqual([64, 64, 22]);
  });

  test('a commit that has waited for long enough is joined by nobody, so that those in it are answered', async () => {
    expect(await commitsOf(5, 0)).toEqual([1, 1, 1, 1, 1]);
  });

  test('each is acknowledged only after a flush of the log that began after the commit of its body', async () => {
    const events: string[] = [];
    const { path, writer, real } = await faultyWriter(
      (sql) => {
        if (sql === 'COMMIT') events.push('commit');
        return false;
      },
      {
        async flush(file) {
          const number = events.filter((event) => event.startsWith('flush')).length;
          events.push(`flush ${number}`);
          await file.flush();
          events.push(`flushed ${number}`);
        },
      },
    );
    // In WAL mode NORMAL (1) flushes before pages leave the log, and the writer does the rest: https://sqlite.org/pragma.html#pragma_synchronous
    expect([real.first('PRAGMA journal_mode', []), real.first('PRAGMA synchronous', [])]).toEqual(['wal', 1]);
    const other = openConnection(path, 'read');
    closing.push(() => other.close());
    const org = newOrganization();
    const numbers = Array.from({ length: 40 }, (_, i) => i);
    const insert = async (i: number) => {
      const row = await writer.transaction(cause, async (tx) => {
        const made = await tx.outbox.insert(org, rows.job(org));
        events.push(`body ${i}`);
        return made;
      });
      events.push(`answer ${i}`);
      // Another connection sees what is committed only.
      const seen = other.first('SELECT count(*) FROM outbox WHERE _id = ?', [(row as { readonly _id: string })._id]);
      expect(seen).toBe(1);
    };
    await Promise.all(numbers.slice(0, 20).map(insert));
    await Promise.all(numbers.slice(20).map((i) => sleep(i % 7).then(() => insert(i))));
    for (const i of numbers) {
      const commit = events.indexOf('commit', events.indexOf(`body ${i}`));
      const begun = events.findIndex((event, at) => at > commit && event.startsWith('flush '));
      const flushed = events.indexOf(events[begun]?.replace('flush', 'flushed') ?? '');
      expect([commit, begun, flushed].includes(-1)).toBe(false);
      expect(events.indexOf(`answer ${i}`)).toBeGreaterThan(flushed);
    }
    expect(events.filter((event) => event === 'commit').length).toBeLessThan(numbers.length);
  });

  test('while one flush is under way the next transactions are worked off; what they write nobody is told before its own', async () => {
    const flushes: (() => void)[] = [];
    const { insert, count, reads } = await faultyWriter(() => false, {
      flush: () => new Promise((resolve) => flushes.push(resolve)),
    });
    const org = newOrganization();
    const told: string[] = [];
    const first = insert(org).then(() => told.push('first'));
    while (flushes.length < 1) await sleep(1);
    const second = insert(org).then(() => told.push('second'));
    while (count() < 2) await sleep(1);
    const read = reads.count(org, {}).then((found) => told.push(`read ${found}`));
    await sleep(20);
    expect([told, flushes.length]).toEqual([[], 1]);
    flushes[0]?.();
    await first;
    while (flushes.length < 2) await sleep(1);
    await sleep(20);
    expect(told).toEqual(['first']);
    flushes[1]?.();
    await Promise.all([second, read]);
    expect(told.toSorted()).toEqual(['first', 'read 2', 'second']);
    expect(await reads.count(org, {})).toBe(2);
  });

  test('a long queue is worked off in several commits', async () => {
    const store = await openStore();
    const org = newOrganization();
    await Promise.all(Array.from({ length: 500 }, () => write(store, (tx) => tx.outbox.insert(org, rows.job(org)))));
    expect(await store.read.outbox.count(org, {})).toBe(500);
  });

  test('the log is begun anew after a checkpoint, though reads keep a transaction open between commits', async () => {
    const path = await newPath();
    const writer = openConnection(path, 'write');
    const reader = openConnection(path, 'read');
    closing.push(
      () => writer.close(),
      () => reader.close(),
    );
    writer.exec('CREATE TABLE notes (text TEXT) STRICT; PRAGMA wal_autocheckpoint = 50');
    const reads = readCommitted(writer, reader);
    const text = 'x'.repeat(20_000);
    for (let made = 1; made <= 200; made += 1) {
      writer.begin();
      writer.run('INSERT INTO notes VALUES (?)', [text]);
      // Inside of the transaction the other connection answers, and what is not committed is not there.
      expect(reads.first('SELECT count(*) FROM notes', [])).toBe(made - 1);
      writer.run('COMMIT', []);
      expect(reads.first('SELECT count(*) FROM notes', [])).toBe(made);
    }
    // Without an end of old reads it would hold every page that was ever written: over a thousand.
    const page = 4096;
    expect((await stat(`${path}-wal`)).size).toBeLessThan(150 * page);
  });

  test('what is acknowledged is in the files: a copy of them made at that moment holds it', async () => {
    const path = await newPath();
    const store = await openStore({ path });
    const org = newOrganization();
    const made = await Promise.all(
      Array.from({ length: 10 }, () => write(store, (tx) => tx.outbox.insert(org, rows.job(org)))),
    );
    const copy = `${path}.copy`;
    await copyFile(path, copy);
    await copyFile(`${path}-wal`, `${copy}-wal`);
    const recovered = await openStore({ path: copy });
    expect(await recovered.read.outbox.find(org, {})).toEqual(made);
  });

  test('after a clean close the data file alone holds everything, and only its owner may read it', async () => {
    const path = await newPath();
    const store = await openStore({ path });
    const org = newOrganization();
    await write(store, (tx) => tx.outbox.insert(org, rows.job(org)));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(`${path}-wal`)).mode & 0o777).toBe(0o600);
    await store.close();
    const copy = `${path}.copy`;
    await copyFile(path, copy);
    expect(await (await openStore({ path: copy })).read.outbox.count(org, {})).toBe(1);
  });

  test('what a program that crashed has left in the log is in the file before anybody reads it', async () => {
    const path = await newPath();
    const store = await openStore({ path });
    const org = newOrganization();
    await write(store, (tx) => tx.outbox.insert(org, rows.job(org)));
    const copy = `${path}.copy`;
    await copyFile(path, copy);
    await copyFile(`${path}-wal`, `${copy}-wal`);
    await openStore({ path: copy });
    expect((await stat(`${copy}-wal`)).size).toBe(0);
    const alone = `${path}.alone`;
    await copyFile(copy, alone);
    expect(await (await openStore({ path: alone })).read.outbox.count(org, {})).toBe(1);
  });

  test('another program that looks into the open file, and closes it, takes nothing from it', async () => {
    const path = await newPath();
    const store = await openStore({ path });
    const org = newOrganization();
    await write(store, (tx) => tx.outbox.insert(org, rows.job(org)));
    // The system keeps the file's locks by process: this one's are seen from another one only.
    const driver = pathToFileURL(join(process.cwd(), 'node_modules/@photostructure/sqlite/dist/index.mjs')).href;
    const script = `
      const { DatabaseSync } = await import(${JSON.stringify(driver)});
      const file = new DatabaseSync(${JSON.stringify(path)});
      const counted = file.prepare('SELECT count(*) AS n FROM outbox').get().n;
      let mode;
      try { mode = file.prepare('PRAGMA journal_mode = DELETE').get().journal_mode; } catch (error) { mode = error.message; }
      file.close();
      process.stdout.write(JSON.stringify([counted, mode]));`;
    const other = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = await once(other.stdout, 'data');
    await once(other, 'exit');
    // only who is alone on a file can take it out of WAL mode, or remove the log
    expect(JSON.parse(String(said))).toEqual([1, expect.stringMatching(/^wal$|locked/)]);
    expect((await stat(`${path}-wal`)).size).toBeGreaterThan(0);
    await write(store, (tx) => tx.outbox.insert(org, rows.job(org)));
    const copy = `${path}.copy`;
    await copyFile(path, copy);
    await copyFile(`${path}-wal`, `${copy}-wal`);
    expect(await (await openStore({ path: copy })).read.outbox.count(org, {})).toBe(2);
  });

  test('closing waits for the queue, and refuses what comes after', async () => {
    const path = await newPath();
    const store = await openStore({ path });
    const org = newOrganization();
    const last = write(store, (tx) => tx.outbox.insert(org, rows.job(org)));
    await Promise.all([store.close(), store.close()]);
    await last;
    await expect(write(store, async () => undefined)).rejects.toMatchObject({ code: 'shutting_down' });
    await expect(store.read.outbox.count(org, {})).rejects.toMatchObject({ code: 'shutting_down' });
    await expect(store.ping()).rejects.toMatchObject({ code: 'shutting_down' });
    expect(await (await openStore({ path })).read.outbox.count(org, {})).toBe(1);
  });
});

describe('bodies', () => {
  test('a body that never ends is rolled back after a while, and holds up nobody for good', async () => {
    const store = await openStore({ bodyTimeoutMs: 50 });
    const org = newOrganization();
    let late: Promise<unknown> | undefined;
    const stuck = write(store, async (tx) => {
      await tx.outbox.insert(org, rows.job(org, { job: 'stuck' }));
      await sleep(150);
      late = tx.outbox.insert(org, rows.job(org, { job: 'late' }));
      await late;
    });
    const other = write(store, (tx) => tx.outbox.insert(org, rows.job(org, { job: 'other' })));
    await expect(stuck).rejects.toThrow('did not end within 50 ms');
    await other;
    await sleep(150);
    await expect(late).rejects.toThrow('the transaction has ended');
    expect((await store.read.outbox.find(org, {})).map((row) => row.job)).toEqual(['other']);
  });

  test('a body that has much to do may take longer, lets others have their turn, and shows nothing before its end', async () => {
    const path = await newPath();
    const store = await openStore({ path, bodyTimeoutMs: 100 });
    const org = newOrganization();
    let ended = false;
    const long = write(store, async (tx) => {
      for (let until = performance.now() + 600; performance.now() < until; ) {
        await tx.outbox.insertMany(
          org,
          Array.from({ length: 200 }, () => rows.job(org, { job: 'long' })),
        );
      }
      return tx.outbox.count(org, {});
    }).finally(() => {
      ended = true;
    });
    let turns = 0;
    for (; !ended; turns++) {
      const seen = await store.read.outbox.count(org, {});
      await new Promise(setImmediate);
      if (!ended) expect(seen).toBe(0);
    }
    const count = await long;
    expect(turns).toBeGreaterThan(5);
    expect(await store.read.outbox.count(org, {})).toBe(count);
    await write(store, (tx) => tx.outbox.insert(org, rows.job(org)));
    await store.close();
    expect(await (await openStore({ path })).read.outbox.count(org, {})).toBe(count + 1);
  });

  test("a body runs in its caller's asynchronous context", async () => {
    const store = await openStore();
    const request = new AsyncLocalStorage<string>();
    const seen = await Promise.all(
      ['a', 'b', 'c'].map((id) =>
        request.run(id, () =>
          write(store, async (tx) => {
            await tx.outbox.count('org', {});
            return request.getStore();
          }),
        ),
      ),
    );
    expect(seen).toEqual(['a', 'b', 'c']);
  });

  test('another store may be read inside a body', async () => {
    // nesting is looked for where bodies are rehearsed
    const [first, second] = [await openStore({ rehearse: true }), await openStore({ rehearse: true })];
    expect(await write(first, async () => second.read.outbox.count('org', {}))).toBe(0);
  });
});

describe('faults of the file', () => {
  test('where the commit fails, all that shared it are told so, and nothing of them remains', async () => {
    let broken = true;
    const { insert, count, committed } = await faultyWriter((sql) => sql === 'COMMIT' && broken);
    const org = newOrganization();
    const results = await Promise.allSettled([insert(org), insert(org), insert(org)]);
    expect(results).toEqual(
      Array(3).fill({ status: 'rejected', reason: expect.objectContaining({ kind: 'unavailable' }) }),
    );
    expect(count()).toBe(0);
    expect(committed).toEqual([]);
    broken = false;
    await insert(org);
    expect(count()).toBe(1);
    expect(committed).toEqual(['outbox']);
  });

  test('where the flush fails, nobody is told of success, and of what the disk may lose nothing is read any more', async () => {
    let broken = false;
    const { insert, committed, reads, writer } = await faultyWriter(() => false, {
      async flush(file) {
        if (broken) throw new AppError('store_unavailable', 'The data file cannot be written to the disk.');
        await file.flush();
      },
    });
    const org = newOrganization();
    await insert(org);
    broken = true;
    const results = await Promise.allSettled([insert(org), insert(org)]);
    const refused = { status: 'rejected', reason: expect.objectContaining({ kind: 'unavailable' }) };
    expect(results).toEqual([refused, refused]);
    expect(committed).toEqual(['outbox']);
    await expect(reads.count(org, {})).rejects.toMatchObject({ code: 'store_unavailable' });
    await expect(insert(org)).rejects.toMatchObject({ code: 'store_unavailable' });
    await writer.close();
  });

  test('a log that has been removed counts as a failed flush, though the system would flush it', async () => {
    const path = await newPath();
    const connection = openConnection(path, 'write');
    closing.push(() => connection.close());
    connection.exec('CREATE TABLE notes (text TEXT)');
    connection.harden();
    await connection.flush();
    await rm(`${path}-wal`);
    await expect(connection.flush()).rejects.toMatchObject({ code: 'store_unavailable' });
  });

  test('where the thread that flushes has ended, a flush fails, and nobody waits for it', async () => {
    const thread = new FlushThread();
    await thread.end();
    await expect(thread.flush(0)).rejects.toThrow('has ended');
  });

  test('after a failed flush nothing is written any more, into the log or from it into the file', async () => {
    let broken = false;
    const { insert, count, path, writer, lost } = await faultyWriter(() => false, {
      async flush(file) {
        if (broken) throw new AppError('store_unavailable', 'The data file cannot be written to the disk.');
        await file.flush();
      },
    });
    broken = true;
    const org = newOrganization();
    await expect(insert(org)).rejects.toMatchObject({ code: 'store_unavailable' });
    const before = [count(), (await stat(`${path}-wal`)).size];
    broken = false;
    for (let again = 0; again < 3; again += 1)
      await expect(insert(org)).rejects.toMatchObject({ code: 'store_unavailable' });
    expect([count(), (await stat(`${path}-wal`)).size]).toEqual(before);
    expect(writer.failed).toBe(true);
    expect(lost).toMatchObject([{ code: 'store_unavailable' }]);
  });

  test.each(['SAVEPOINT body', 'ROLLBACK TO body', 'ROLLBACK'])(
    'where %s fails, everybody is answered',
    async (what) => {
      let broken = true;
      const { writer, insert } = await faultyWriter((sql) => sql === what && broken);
      const org = newOrganization();
      const failing = writer.transaction(cause, async (tx) => {
        await tx.outbox.insert(org, rows.job(org));
        throw new Error('the body gives up');
      });
      const results = await Promise.allSettled([failing, insert(org)]);
      expect(results[0]?.status).toBe('rejected');
      broken = false;
      await insert(org);
    },
  );

  test('where no transaction can begin, the waiting ones are told so', async () => {
    let broken = true;
    const { insert, count } = await faultyWriter((sql) => sql.startsWith('BEGIN') && broken);
    const org = newOrganization();
    const results = await Promise.allSettled([insert(org), insert(org)]);
    expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected']);
    broken = false;
    await insert(org);
    expect(count()).toBe(1);
  });

  test.each([
    ['', false],
    [', also where others read meanwhile', true],
  ])('a body that goes on after SQLite has ended its transaction writes nothing%s', async (_, othersRead) => {
    const { path, writer, real, insert, count } = await faultyWriter(() => false);
    const reader = openConnection(path, 'read');
    closing.push(() => reader.close());
    const reads = readCommitted(real, reader);
    const org = newOrganization();
    const ended = writer.transaction(cause, async (tx) => {
      real.exec('ROLLBACK');
      if (othersRead) expect(reads.first('SELECT count(*) FROM outbox', [])).toBe(0);
      await tx.outbox.insert(org, rows.job(org)).catch(() => undefined);
    });
    await expect(ended).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(count()).toBe(0);
    await insert(org);
    expect(count()).toBe(1);
  });

  test('where SQLite itself ends the transaction, nothing of it or its neighbours is written', async () => {
    const { writer, real, insert, count } = await faultyWriter(() => false);
    const org = newOrganization();
    const before = insert(org);
    const ended = writer.transaction(cause, async (tx) => {
      await tx.outbox.insert(org, rows.job(org));
      real.exec('ROLLBACK');
      await tx.outbox.insert(org, { job: 1 } as never).catch(() => undefined);
      await tx.outbox.insert(org, rows.job(org)).catch(() => undefined);
    });
    const after = insert(org);
    await expect(before).rejects.toMatchObject({ code: 'store_unavailable' });
    await expect(ended).rejects.toBeInstanceOf(Error);
    await after;
    expect(count()).toBe(1);
  });
});

describe('opening', () => {
  test('a file of a newer program is refused with both versions, and left as it is', async () => {
    const path = await newPath();
    await (await openStore({ path })).close();
    const sqlite = new DatabaseSync(path);
    const { user_version: version } = sqlite.prepare('PRAGMA user_version').get();
    sqlite.exec('PRAGMA user_version = 99');
    await expect(openSqliteStore({ path })).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringMatching(/version 99.*up to \d+: start a newer/),
    });
    sqlite.exec(`PRAGMA user_version = ${version}`);
    sqlite.close();
    await openStore({ path });
  });

  test('a file of the first version, whose indexes stood on the documents alone, opens with all its rows', async () => {
    const [path, old] = [await newPath(), await newPath()];
    const org = newOrganization();
    const filled = await openStore({ path });
    const { accountId } = await insertOwner(filled, org);
    await write(filled, async (tx) => {
      for (let n = 0; n < 50; n += 1) await tx.outbox.insert(org, rows.job(org, { attempts: n }));
    });
    const before = [await filled.read.members.find(org, {}), await filled.read.outbox.find(org, {})];
    await filled.close();
    const sqlite = new DatabaseSync(old);
    sqlite.prepare('ATTACH ? AS filled').run(path);
    for (const name of Object.keys(collections)) {
      sqlite.exec(`CREATE TABLE "${name}" (_id TEXT PRIMARY KEY NOT NULL, doc TEXT NOT NULL) STRICT;
        INSERT INTO main."${name}" SELECT _id, doc FROM filled."${name}"`);
    }
    sqlite.exec(`CREATE UNIQUE INDEX "members.organizationId.accountId" ON "members"
      (json_extract(doc,'$.organizationId'), json_extract(doc,'$.accountId')); PRAGMA user_version = 1`);
    sqlite.close();
    const store = await openStore({ path: old });
    expect(await store.read.members.find(org, { accountId, owner: true })).toEqual(before[0]);
    expect(await store.read.outbox.find(org, { state: 'waiting', dueAt: { $lte: new Date(8e14) } })).toEqual(before[1]);
    await expect(insertOwner(store, org)).rejects.toMatchObject({ name: 'DuplicateKeyError' });
  });

  test('what a migration has changed in documents is found by its new value', async () => {
    const path = await newPath();
    const org = newOrganization();
    const store = await openStore({ path });
    const job = await write(store, (tx) => tx.outbox.insert(org, rows.job(org)));
    await store.close();
    const park: Migration = {
      version: versionAfter(migrations) + 1,
      what: 'park all jobs',
      sqlite: (connection) => connection.exec(`UPDATE outbox SET doc = json_set(doc, '$.state', 'parked')`),
    };
    const again = await openStore({ path, migrations: [...migrations, park] });
    expect(await again.read.outbox.find(org, { state: 'parked' })).toEqual([{ ...job, state: 'parked' }]);
    expect(await again.read.outbox.find(org, { state: 'waiting' })).toEqual([]);
  });

  test('a column that the schemas have lost is dropped, one that they have gained is filled from the documents', async () => {
    const path = await newPath();
    const org = newOrganization();
    const store = await openStore({ path });
    const owner = await insertOwner(store, org);
    await store.close();
    const sqlite = new DatabaseSync(path);
    sqlite.exec(`DROP INDEX "members.accountId"; DROP INDEX "members.organizationId.accountId";
      ALTER TABLE members DROP COLUMN accountId; ALTER TABLE members ADD COLUMN former ANY`);
    sqlite.close();
    const again = await openStore({ path });
    expect(await again.read.members.find(org, { accountId: owner.accountId })).toEqual([owner]);
    await again.close();
    const columns = new DatabaseSync(path).prepare(`SELECT name FROM pragma_table_info('members')`).all();
    expect(columns).not.toContainEqual(expect.objectContaining({ name: 'former' }));
  });

  test('a file that is no data file is refused', async () => {
    const path = await newPath();
    await copyFile(new URL(import.meta.url), path);
    await expect(openSqliteStore({ path })).rejects.toMatchObject({ code: 'store_unavailable' });
    await expect(openSqliteStore({ path })).rejects.not.toThrow(/is open already/);
  });

  test('the same file cannot be opened twice in one process', async () => {
    const path = await newPath();
    const store = await openStore({ path });
    await expect(openSqliteStore({ path })).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining('is open already'),
    });
    await store.close();
    await openStore({ path });
  });

  test('a file that another process holds is refused, and free again when that process is killed', async () => {
    const path = await newPath();
    const driver = pathToFileURL(join(process.cwd(), 'node_modules/@photostructure/sqlite/dist/index.mjs')).href;
    const script = `
      const { DatabaseSync } = await import(${JSON.stringify(driver)});
      const lock = new DatabaseSync(${JSON.stringify(`${path}.lock`)});
      lock.exec('BEGIN EXCLUSIVE');
      process.stdout.write('held');
      setInterval(() => lock.isOpen, 1000);`;
    const other = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    closing.push(() => other.kill('SIGKILL'));
    await once(other.stdout, 'data');
    await expect(openSqliteStore({ path })).rejects.toMatchObject({ code: 'store_unavailable' });
    const gone = once(other, 'exit');
    other.kill('SIGKILL');
    await gone;
    await openStore({ path });
  });

  test('protection may be switched on again: the file follows the option', async () => {
    const path = await newPath();
    const org = newOrganization();
    const without = await openStore({ path, protection: false });
    const owner = await insertOwner(without, org);
    await write(without, (tx) => tx.members.updateOne(org, { _id: owner._id }, { $set: { profile: {} } }));
    await without.close();
    const store = await openStore({ path });
    const demote = write(store, (tx) => tx.members.updateOne(org, { _id: owner._id }, { $set: { role: 'member' } }));
    await expect(demote).rejects.toMatchObject({ name: 'ProtectedRowError' });
  });
});
