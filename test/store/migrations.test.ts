/** Upgrades of data that an earlier program has written, by migrations of the test's own, on the engine of this run. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { newId } from '../../src/lib/ids.ts';
import { PLATFORM, type Store } from '../../src/store/index.ts';
import { type Migration, migrations as ours, versionAfter } from '../../src/store/migrations.ts';
import { openTestPlace, type TestPlace, testEngine } from '../support/engines.ts';
import { buildProcesses, built } from '../support/processes.ts';
import { emptyDatabase } from './firstLight.ts';
import { write } from './support.ts';

const next = versionAfter(ours) + 1;

/** Writes its version behind every account's name, once; `ran` lists the versions of the runs. */
function marking(version: number, ran: number[] = []): Migration {
  const mark = `+${version}`;
  return {
    version,
    what: `mark ${version}`,
    sqlite(connection) {
      ran.push(version);
      connection.run(`UPDATE accounts SET doc = json_set(doc, '$.name', json_extract(doc, '$.name') || ?)`, [mark]);
    },
    async mongodb(database) {
      ran.push(version);
      const unmarked = { name: { $not: new RegExp(`\\${mark}$`) } };
      await database.collection('accounts').updateMany(unmarked, [{ $set: { name: { $concat: ['$name', mark] } } }]);
    },
  };
}

const failing = (version: number): Migration => ({
  version,
  what: 'do what cannot be done',
  sqlite: (connection) => connection.exec('no SQL'),
  mongodb: async () => {
    throw new Error('no such thing');
  },
});

/** A place with accounts that a program without the test's migrations has written. */
async function oldPlace(accounts = 3): Promise<TestPlace> {
  const place = await openTestPlace();
  const store = await place.open({ migrations: ours });
  const rows = Array.from({ length: accounts }, () => ({ _id: newId('account'), name: 'old' }));
  await write(store, (tx) => tx.accounts.insertMany(PLATFORM, rows));
  await store.close();
  return place;
}

const names = async (store: Store): Promise<ReadonlySet<string | undefined>> =>
  new Set((await store.read.accounts.find(PLATFORM, {})).map(({ name }) => name));

test(`people who were linked before the domain was noted have it noted, where the data tells it (SSO-3, ${testEngine})`, async () => {
  const place = await openTestPlace();
  // A database of MongoDB has been made by the program's own version.
  if (testEngine === 'mongodb') await emptyDatabase(place);
  const before = await place.open({ migrations: ours.filter(({ version }) => version < 5) });
  const [organizationId, connectionId] = [newId('organization'), newId('connection')];
  const cases: readonly (readonly [email: string, proven: boolean, more: object, domain: string | undefined])[] = [
    ['Ann@Acme.example', true, {}, 'acme.example'],
    ['bob@münchen.example', true, {}, 'xn--mnchen-3ya.example'],
    ['cleo@acme.example', false, {}, undefined],
    ['dan@claimed.example', true, {}, undefined],
    ['eve@rival.example', true, {}, undefined],
    ['fay@acme.example', true, { confirmed: true }, undefined],
    ['gus@acme.example', true, { link: 'waiting', reason: 'other_subject' }, undefined],
    ['hal@acme.example', true, { domain: 'former.example' }, 'former.example'],
  ];
  await write(before, async (tx) => {
    const claim = (owner: string, domain: string, verified: boolean) =>
      tx.domains.insert(owner, { _id: newId('domain'), organizationId: owner, domain, verified });
    await claim(organizationId, 'acme.example', true);
    await claim(organizationId, 'xn--mnchen-3ya.example', true);
    await claim(organizationId, 'claimed.example', false);
    await claim(newId('organization'), 'rival.example', true);
    for (const [email, proven, more] of cases) {
      const accountId = newId('account');
      const emailKey = email.toLowerCase();
      await tx.accountEmails.insert(PLATFORM, { _id: newId('accountEmail'), accountId, email, emailKey, proven });
      const row = { _id: newId('identity'), organizationId, connectionId, subject: email, accountId } as const;
      await tx.identities.insert(organizationId, { ...row, link: 'linked', ...more });
    }
  });
  await before.close();
  const after = await place.open({ migrations: ours });
  const rows = await after.read.identities.find(organizationId, {}, { sort: { _id: 1 } });
  expect(rows.map(({ subject, domain }) => [subject, domain])).toEqual(
    cases.map(([email, , , domain]) => [email, domain]),
  );
  await place.close();
});

test('versions follow each other without gaps, from the first one on', () => {
  expect(ours.map(({ version }) => version)).toEqual(ours.map((_, i) => i + 2));
});

describe(`upgrades (${testEngine})`, () => {
  test('what data lacks is run at the start, in order and once', async () => {
    const place = await oldPlace();
    const ran: number[] = [];
    const migrations = [...ours, marking(next, ran), marking(next + 1, ran)];
    const first = await place.open({ migrations });
    expect(await names(first)).toEqual(new Set([`old+${next}+${next + 1}`]));
    await first.close();
    const second = await place.open({ migrations });
    expect(await names(second)).toEqual(new Set([`old+${next}+${next + 1}`]));
    expect(ran).toEqual([next, next + 1]);
    await place.close();
  });

  test('newer data refuses an older program, which says so and changes nothing', async () => {
    const place = await oldPlace();
    await (await place.open({ migrations: [...ours, marking(next)] })).close();
    await expect(place.open({ migrations: ours })).rejects.toMatchObject({
      code: 'store_unavailable',
      message: `The data has version ${next}, this program reads up to ${next - 1}: start a newer Gatehouse.`,
    });
    const store = await place.open({ migrations: [...ours, marking(next)] });
    expect(await names(store)).toEqual(new Set([`old+${next}`]));
    await place.close();
  });

  test('a migration that fails stops the start and is named; a program that can do it goes on', async () => {
    const place = await oldPlace();
    const good = marking(next);
    await expect(place.open({ migrations: [...ours, good, failing(next + 1)] })).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringMatching(
        `^The data could not be brought to version ${next + 1} \\(do what cannot be done\\): `,
      ),
    });
    const store = await place.open({ migrations: [...ours, good, marking(next + 1)] });
    expect(await names(store)).toEqual(new Set([`old+${next}+${next + 1}`]));
    await place.close();
  });
});

describe(`a crash in the middle of a migration (${testEngine})`, () => {
  beforeAll(buildProcesses, 120_000);

  /** A process of its own that opens the place with `migration`, the source text of one. */
  async function openInProcess(place: TestPlace, migration: string): Promise<NodeJS.Signals | null> {
    const root = pathToFileURL(`${process.cwd()}/`).href;
    const script = `
      const crash = () => process.kill(process.pid, 'SIGKILL');
      const { migrations } = await import('${root}${built}/src/store/migrations.js');
      const options = { migrations: [...migrations, ${migration}] };
      if (process.env.MONGODB_URI) {
        const { openMongoStore } = await import('${root}${built}/src/store/mongo/index.js');
        await openMongoStore({ uri: process.env.MONGODB_URI, ...options });
      } else {
        const { openSqliteStore } = await import('${root}${built}/src/store/sqlite/index.js');
        await openSqliteStore({ path: process.env.GATEHOUSE_DATA + '/gatehouse.db', ...options });
      }`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { PATH: process.env.PATH ?? '', ...place.env },
    });
    await once(child, 'exit');
    return child.signalCode;
  }

  test('the next start finishes it, also where several start at once', async () => {
    const place = await oldPlace(20);
    const halfway = `{
      version: ${next},
      what: 'die halfway',
      sqlite(connection) {
        connection.exec("UPDATE accounts SET doc = json_set(doc, '$.name', 'half') WHERE rowid % 2 = 0");
        crash();
      },
      async mongodb(database) {
        const some = await database.collection('accounts').find().limit(10).toArray();
        await database.collection('accounts').updateMany(
          { _id: { $in: some.map(({ _id }) => _id) } }, { $set: { name: 'old+${next}' } });
        crash();
        await new Promise((resolve) => setTimeout(resolve, 60_000));
      },
    }`;
    expect(await openInProcess(place, halfway)).toBe('SIGKILL');
    const ran: number[] = [];
    const migrations = [...ours, marking(next, ran)];
    const starting = testEngine === 'mongodb' ? [1, 2, 3] : [1];
    const stores = await Promise.all(starting.map(() => place.open({ migrations })));
    for (const store of stores) expect(await names(store)).toEqual(new Set([`old+${next}`]));
    expect(ran).toEqual([next]);
    await place.close();
  });
});
