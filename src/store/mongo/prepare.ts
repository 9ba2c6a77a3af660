/**
 * What a process does to the database before it serves: migrations, then collections and indexes; one process after the
 * other. The version of the data, and who prepares it, are one row of `leases`.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { mongo } from 'mongoose';
import { AppError } from '../../errors.ts';
import { firstVersion, type Migration, migrationFailure, pendingMigrations, versionAfter } from '../migrations.ts';
import { collections } from '../schemas/index.ts';
import type { Document } from './collection.ts';

const id = 'data';
/** A holder that is not heard of for so long has died. */
const leaseMs = 10_000;
/** How often those who wait look whether it is their turn. */
const pollMs = 50;

/** The driver's typings know no fields but declared ones. */
const pipeline = (...stages: object[]) => stages as mongo.Document[];

/** The server's clock decides, so that processes need not agree on the time. */
const leased = { $dateAdd: { startDate: '$$NOW', unit: 'millisecond', amount: leaseMs } };

/**
 * Runs the migrations that the data lacks, then `prepare`, and answers what that answers. Processes that start at once do
 * so in turn, so that each finds complete what it need not do itself. The version is written after each migration: after
 * a crash the next process goes on from there.
 * Throws AppError('store_unavailable') where a newer program has written the data, and where a migration fails.
 */
export async function prepareInTurn<T>(
  database: mongo.Db,
  upgrades: readonly Migration[],
  prepare: () => Promise<T>,
): Promise<T> {
  const leases = database.collection<Document>('leases', {
    readConcern: { level: 'majority' },
    readPreference: 'primary',
    writeConcern: { w: 'majority' },
  });
  const ours = { _id: id, holder: randomBytes(8).toString('hex') };

  /** What the row says now; it is made where there is none. */
  async function readVersion(): Promise<number> {
    const row = (await leases.findOne({ _id: id })) ?? (await recordFirst(database, leases, upgrades));
    return Number(row?.reached);
  }

  async function take(): Promise<boolean> {
    const free = { _id: id, $expr: { $lte: ['$until', '$$NOW'] } };
    const { matchedCount } = await leases.updateOne(free, pipeline({ $set: { holder: ours.holder, until: leased } }));
    return matchedCount > 0;
  }

  async function upgrade(): Promise<void> {
    for (const migration of pendingMigrations(upgrades, await readVersion())) {
      await migration.mongodb?.(database).catch((cause: unknown) => {
        throw migrationFailure(migration, cause);
      });
      const reached = pipeline({ $set: { reached: migration.version, updatedAt: '$$NOW' } });
      if ((await leases.updateOne(ours, reached)).matchedCount === 0) {
        throw new AppError('store_unavailable', 'Another process has taken over the upgrade of the data: start again.');
      }
    }
  }

  for (;;) {
    // Refuses a newer program's data at once, also where that one upgrades it while this process waits.
    pendingMigrations(upgrades, await readVersion());
    if (await take()) break;
    await pause(pollMs);
  }
  let renewing: Promise<unknown> = Promise.resolve();
  const beat = setInterval(() => {
    // One that fails is followed by the next; the version is written only by who still holds the lease.
    renewing = leases.updateOne(ours, pipeline({ $set: { until: leased } })).catch(() => undefined);
  }, leaseMs / 3);
  try {
    await upgrade();
    return await prepare();
  } finally {
    clearInterval(beat);
    await renewing;
    await leases.updateOne(ours, { $set: { until: new Date(0) } });
  }
}

/**
 * The first note of the version: that of the program where the database is new, else what the program wrote that took no
 * note. Of processes that start at the same moment one is first: its note stands.
 */
async function recordFirst(
  database: mongo.Db,
  leases: mongo.Collection<Document>,
  upgrades: readonly Migration[],
): Promise<Document | null> {
  const isNew = (await database.listCollections({ name: collections.organizations.name }).toArray()).length === 0;
  const reached = isNew ? versionAfter(upgrades) : firstVersion;
  const now = new Date();
  const row = { version: 1, createdAt: now, updatedAt: now, holder: 'nobody', until: new Date(0), reached };
  try {
    await leases.updateOne({ _id: id }, { $setOnInsert: row }, { upsert: true });
  } catch (error) {
    if (!(typeof error === 'object' && error !== null && 'code' in error && error.code === 11_000)) throw error;
  }
  return leases.findOne({ _id: id });
}
