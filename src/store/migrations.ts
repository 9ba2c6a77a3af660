/**
 * Changes to data that earlier programs have written. New collections and indexes, validators and triggers need none: they
 * follow the schemas at every start. A migration is for what must be done to rows, or to how an engine keeps them; and to
 * drop an index that the schemas no longer have from MongoDB, where a process of the version before may still rely on it.
 */
import { domainToASCII } from 'node:url';
import type { mongo } from 'mongoose';
import { AppError } from '../errors.ts';
import { caseKey } from '../lib/text.ts';
import type { Connection } from './sqlite/driver.ts';

export interface Migration {
  /** The version of the data afterwards; programs that know only lower ones refuse it from then on. */
  readonly version: number;
  /** What it does, in the imperative. */
  readonly what: string;
  /** Runs inside the transaction that opens the file, before tables and indexes are brought to the schemas: all or nothing. */
  sqlite?(connection: Connection): void;
  /**
   * Runs in one process while the others wait to start. It works in batches outside of transactions, so that it must be
   * idempotent: where its process dies, the next one runs it again from its beginning.
   */
  mongodb?(database: mongo.Db): Promise<void>;
}

/** What the first program wrote, before there were migrations. */
export const firstVersion = 1;

/** The organization's verified domain in which one of these addresses lies: what the next sign-in would note, too (SSO-3). */
const vouchingDomain = (emailKeys: readonly string[], verified: ReadonlySet<string> = new Set()): string | undefined =>
  emailKeys.map((key) => domainToASCII(key.slice(key.lastIndexOf('@') + 1))).find((domain) => verified.has(domain));

/** Values by what they belong to. */
function gather(pairs: Iterable<readonly [string, string]>): Map<string, string[]> {
  const gathered = new Map<string, string[]>();
  for (const [key, value] of pairs) gathered.set(key, [...(gathered.get(key) ?? []), value]);
  return gathered;
}

/** All migrations, in the order of their versions, which follow each other without gaps. An entry never changes. */
export const migrations: readonly Migration[] = [
  // The columns themselves follow the schemas; programs before this would write rows without them.
  { version: 2, what: "keep what SQLite's indexes stand on in columns" },
  {
    version: 3,
    what: "give people's names for display the form in which they are looked up",
    sqlite(connection) {
      const unkeyed = `json_extract(doc, '$.displayName') IS NOT NULL AND json_extract(doc, '$.displayNameKey') IS NULL`;
      const pairs = connection.all(
        `SELECT json_array(_id, json_extract(doc, '$.displayName')) FROM "directoryUsers" WHERE ${unkeyed}`,
        [],
      );
      for (const pair of pairs) {
        const [id, displayName] = JSON.parse(String(pair)) as [string, string];
        connection.run(`UPDATE "directoryUsers" SET doc = json_set(doc, '$.displayNameKey', ?) WHERE _id = ?`, [
          caseKey(displayName),
          id,
        ]);
      }
    },
    async mongodb(database) {
      const users = database.collection<{ _id: string; displayName: string; displayNameKey?: string }>(
        'directoryUsers',
      );
      const unkeyed = { displayName: { $type: 'string' as const }, displayNameKey: { $exists: false } };
      for (;;) {
        const batch = await users.find(unkeyed).limit(1000).toArray();
        if (batch.length === 0) return;
        await users.bulkWrite(
          batch.map(({ _id, displayName }) => ({
            // unless a process of the version before has just changed it
            updateOne: { filter: { _id, displayName }, update: { $set: { displayNameKey: caseKey(displayName) } } },
          })),
        );
      }
    },
  },
  {
    version: 4,
    what: 'let audit events from the time before numbers be numbered',
    sqlite(connection) {
      const unnumbered = `json_extract(doc,'$.seq') IS NULL AND json_extract(doc,'$.pending') IS NULL`;
      connection.exec(`UPDATE auditEvents SET doc = json_set(doc,'$.pending',json('true')) WHERE ${unnumbered}`);
    },
    async mongodb(database) {
      const unnumbered = { seq: { $exists: false }, pending: { $exists: false } };
      const numberLater = { $set: { pending: true } };
      await database.collection('auditEvents').updateMany(unnumbered, numberLater, { writeConcern: { w: 'majority' } });
    },
  },
  {
    version: 5,
    what: 'note by which verified domain people were linked to their accounts',
    sqlite(connection) {
      const rows = (sql: string) => connection.all(sql, []).map((text) => JSON.parse(String(text)) as [string, string]);
      const tables = `SELECT json_array(name, type) FROM sqlite_master WHERE name IN ('identities', 'accountEmails', 'domains')`;
      if (rows(tables).length < 3) return;
      const at = (name: string) => `json_extract(doc, '$.${name}')`;
      const domains = gather(
        rows(`SELECT json_array(${at('organizationId')}, ${at('domain')}) FROM domains WHERE ${at('verified')}`),
      );
      const emails = gather(
        rows(`SELECT json_array(${at('accountId')}, ${at('emailKey')}) FROM accountEmails WHERE ${at('proven')}`),
      );
      const unnoted = `${at('link')} = 'linked' AND ${at('domain')} IS NULL AND ${at('confirmed')} IS NULL`;
      for (const [organizationId, verified] of domains) {
        const names = new Set(verified);
        const linked = connection.all(
          `SELECT json_array(_id, ${at('accountId')}) FROM identities WHERE ${at('organizationId')} = ? AND ${unnoted}`,
          [organizationId],
        );
        for (const text of linked) {
          const [id, accountId] = JSON.parse(String(text)) as [string, string];
          const domain = vouchingDomain(emails.get(accountId) ?? [], names);
          if (domain === undefined) continue;
          connection.run(`UPDATE identities SET doc = json_set(doc, '$.domain', ?) WHERE _id = ?`, [domain, id]);
        }
      }
    },
    async mongodb(database) {
      const unnoted = { link: 'linked', domain: { $exists: false }, confirmed: { $exists: false } };
      const claims = database.collection<{ organizationId: string; domain: string }>('domains');
      const verified = await claims.find({ verified: true }).toArray();
      const domains = gather(verified.map(({ organizationId, domain }) => [organizationId, domain] as const));
      const identities = database.collection<{ _id: string; organizationId: string; accountId: string }>('identities');
      const accountEmails = database.collection<{ accountId: string; emailKey: string }>('accountEmails');
      for (let after = ''; ; ) {
        const batch = await identities
          .find({ ...unnoted, _id: { $gt: after } })
          .sort({ _id: 1 })
          .limit(1000)
          .toArray();
        const last = batch.at(-1);
        if (last === undefined) return;
        after = last._id;
        const accountIds = batch.map(({ accountId }) => accountId);
        const proven = await accountEmails.find({ accountId: { $in: accountIds }, proven: true }).toArray();
        const emails = gather(proven.map(({ accountId, emailKey }) => [accountId, emailKey] as const));
        const updates = batch.flatMap(({ _id, organizationId, accountId }) => {
          const domain = vouchingDomain(emails.get(accountId) ?? [], new Set(domains.get(organizationId)));
          if (domain === undefined) return [];
          return [{ updateOne: { filter: { _id, ...unnoted }, update: { $set: { domain } } } }];
        });
        if (updates.length > 0) await identities.bulkWrite(updates, { writeConcern: { w: 'majority' } });
      }
    },
  },
];

/** The version that data has once all these migrations have been run. */
export const versionAfter = (all: readonly Migration[]): number => all.at(-1)?.version ?? firstVersion;

/**
 * What is to be run on data of this version.
 * Throws AppError('store_unavailable') where a newer program has written it: this one would not understand it.
 */
export function pendingMigrations(all: readonly Migration[], version: number): readonly Migration[] {
  const newest = versionAfter(all);
  if (version > newest) {
    const message = `The data has version ${version}, this program reads up to ${newest}: start a newer Gatehouse.`;
    throw new AppError('store_unavailable', message);
  }
  return all.filter((migration) => migration.version > version);
}

/** The error of a migration, with what it was about to do. */
export function migrationFailure({ version, what }: Migration, cause: unknown): AppError {
  const why = typeof cause === 'object' && cause !== null && 'message' in cause ? String(cause.message) : String(cause);
  const message = `The data could not be brought to version ${version} (${what}): ${why}`;
  return new AppError('store_unavailable', message, { cause });
}
