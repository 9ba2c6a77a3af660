/**
 * The store that a suite runs on: SQLite in a temporary folder, or with GATEHOUSE_TEST_ENGINE=mongodb a MongoDB database
 * of the test file's own. A suite that opens its store here runs unchanged on both.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach } from '@jest/globals';
import type { Clock } from '../../src/lib/clock.ts';
import type { Store } from '../../src/store/index.ts';
import type { Migration } from '../../src/store/migrations.ts';
import { databaseUri, giveBackDatabase, type Rows, readRows, takeDatabase, writeRows } from './services.ts';

export type EngineName = Store['engine'];

export interface TestStoreOptions {
  readonly clock?: Clock;
  /** The store's own guard of protected rows (OWN-6); on unless a test switches it off. */
  readonly protection?: boolean;
  /** Whether each transaction is run once and rolled back before it is run for real; on by default with SQLite. */
  readonly rehearse?: boolean;
  /** Other migrations than the program's. */
  readonly migrations?: readonly Migration[];
}

/** What a place of either engine holds: the data file, or the rows. */
export type Contents = Buffer | Rows;

/** Where data lives: several stores, or processes of Gatehouse started with `env`, may work in one place at once. */
export interface TestPlace {
  readonly engine: EngineName;
  /** The settings that lead a process of Gatehouse to this place. */
  readonly env: Readonly<Record<string, string>>;
  open(options?: TestStoreOptions): Promise<Store>;
  /** All that is kept here, to begin other places with; no store may be open here. */
  contents(): Promise<Contents>;
  /** Closes the stores that are still open here and removes the data. */
  close(): Promise<void>;
}

const named = process.env.GATEHOUSE_TEST_ENGINE ?? 'sqlite';
if (named !== 'sqlite' && named !== 'mongodb') throw new Error(`GATEHOUSE_TEST_ENGINE: there is no engine "${named}"`);

/** The engine of this run. It is never skipped: where its service is missing, the suite fails. */
export const testEngine: EngineName = named;

/** What ends together: the users of stores, then the places. */
interface Scope {
  readonly users: Set<() => Promise<void>>;
  readonly places: Set<TestPlace>;
}
const scopeOf = (): Scope => ({ users: new Set(), places: new Set() });
const ofFile = scopeOf();
const ofTest = scopeOf();
let scope = ofFile;

async function end({ users, places }: Scope): Promise<void> {
  for (const close of users) await close();
  users.clear();
  for (const place of [...places]) await place.close();
}

/** Ends what uses stores before the stores themselves go, with the test or the file that opened them. */
export function closeBeforeStores(close: () => Promise<void>): void {
  scope.users.add(close);
}

// A test's own goes when the next one begins, after all that the file itself does at its end.
beforeEach(async () => {
  await end(ofTest);
  scope = ofTest;
});
afterEach(() => {
  scope = ofFile;
});
afterAll(async () => {
  await end(ofTest);
  await end(ofFile);
});

/** A place for data, empty or with the contents of another one of its engine; what a test leaves open goes before the next one, what a file opens for all of its tests at its end. */
export async function openTestPlace(engine: EngineName = testEngine, contents?: Contents): Promise<TestPlace> {
  const place = engine === 'sqlite' ? await sqlitePlace(contents as Buffer) : await mongoPlace(contents as Rows);
  scope.places.add(place);
  return place;
}

/** An empty store in a place of its own; closing it removes its data. */
export async function openTestStore(options: TestStoreOptions & { readonly engine?: EngineName } = {}): Promise<Store> {
  const place = await openTestPlace(options.engine);
  const store = await place.open(options);
  return {
    engine: store.engine,
    read: store.read,
    transaction: (cause, work, options) => store.transaction(cause, work, options),
    onInsert: (collection, listener) => store.onInsert(collection, listener),
    ping: () => store.ping(),
    close: () => place.close(),
  };
}

/**
 * Remembers what the first call's `build` has made: each call answers a place of its own with what that left in the
 * store, and what it has answered, which therefore must be plain data.
 */
export function rememberBuilt<W>(): (
  build: (place: TestPlace) => Promise<W>,
) => Promise<{ readonly place: TestPlace; readonly world: W }> {
  let known: { readonly contents: Contents; readonly world: W } | undefined;
  return async (build) => {
    if (known === undefined) {
      const first = await openTestPlace();
      const world = await build(first);
      known = { world, contents: await first.contents() };
      await first.close();
    }
    return { place: await openTestPlace(testEngine, known.contents), world: known.world };
  };
}

async function sqlitePlace(contents?: Buffer): Promise<TestPlace> {
  const { openSqliteStore } = await import('../../src/store/sqlite/index.ts');
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-test-'));
  const path = join(folder, 'gatehouse.db');
  if (contents) await writeFile(path, contents, { mode: 0o600 });
  return placeOf(
    'sqlite',
    { GATEHOUSE_DATA: folder },
    // What is tested here is no matter of the disk, which is slow; processes and the store's own suites wait for it.
    (options) => openSqliteStore({ path, durable: false, ...options }),
    // A closed store leaves all in the one file.
    () => readFile(path),
    () => rm(folder, { recursive: true, force: true }),
  );
}

async function mongoPlace(contents?: Rows): Promise<TestPlace> {
  const { openMongoStore } = await import('../../src/store/mongo/index.ts');
  const { database, isNew } = await takeDatabase();
  const uri = databaseUri(database);
  // Whoever opens a place, however many at once, finds its collections made.
  if (isNew) await (await openMongoStore({ uri })).close();
  if (contents) await writeRows(database, contents);
  return placeOf(
    'mongodb',
    { MONGODB_URI: uri },
    (options) => openMongoStore({ uri, ...options }),
    () => readRows(database),
    async () => giveBackDatabase(database),
  );
}

function placeOf(
  engine: EngineName,
  env: Readonly<Record<string, string>>,
  open: (options: TestStoreOptions) => Promise<Store>,
  contents: () => Promise<Contents>,
  remove: () => Promise<void>,
): TestPlace {
  const stores = new Set<Store>();
  let isOpen = true;
  const place: TestPlace = {
    engine,
    env,
    contents,
    async open(options = {}) {
      // Bodies are the same on both engines: every suite reruns them on the quick one, the conformance suite on both.
      const store = await open({ rehearse: engine === 'sqlite', ...options });
      stores.add(store);
      return store;
    },
    async close() {
      if (!isOpen) return;
      isOpen = false;
      for (const { places } of [ofFile, ofTest]) places.delete(place);
      for (const store of stores) await store.close();
      await remove();
    },
  };
  return place;
}
