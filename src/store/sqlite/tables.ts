import type { CollectionDefinition } from '../define.ts';
import { type Migration, migrationFailure, migrations, pendingMigrations, versionAfter } from '../migrations.ts';
import type { Connection } from './driver.ts';
import { at, named, quoted } from './sql.ts';

type Definitions = Readonly<Record<string, CollectionDefinition>>;

/** An index as SQLite keeps it: its name tells a changed definition from an unchanged one. */
interface Index {
  readonly name: string;
  readonly collection: string;
  readonly fields: readonly string[];
  readonly sql: string;
}

/** A literal of a schema (never of a caller) as SQL. */
const literal = (value: boolean | string): string =>
  typeof value === 'boolean' ? String(Number(value)) : quoted(value);

function partialClause(expression: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(expression).map(([path, wanted]) => {
    if (typeof wanted === 'boolean' || typeof wanted === 'string') return `${at(path)} = ${literal(wanted)}`;
    // Fields hold their declared type or nothing, so that $type and $exists both ask whether there is one.
    return `${at(path)} IS NOT NULL`;
  });
  return ` WHERE ${parts.join(' AND ')}`;
}

function readIndexes(collection: string, definition: CollectionDefinition): readonly Index[] {
  return definition.schema.indexes().map(([keys, options]) => {
    const fields = Object.keys(keys);
    const partial = options.partialFilterExpression;
    const columns = fields.map((field) => `${at(field)}${keys[field] === -1 ? ' DESC' : ''}`).join(', ');
    const body = `ON ${named(collection)} (${columns})${partial ? partialClause(partial) : ''}`;
    const name = [collection, ...fields, ...(partial ? ['where', ...Object.keys(partial)] : [])].join('.');
    return { name, collection, fields, sql: `CREATE ${options.unique ? 'UNIQUE ' : ''}INDEX ${named(name)} ${body}` };
  });
}

function readTriggers(
  collection: string,
  { protection }: CollectionDefinition,
): readonly (readonly [string, string])[] {
  if (protection === undefined) return [];
  const all = (row: 'NEW' | 'OLD', wanted: Readonly<Record<string, boolean | string>>): string =>
    Object.entries(wanted)
      .map(([path, value]) => `json_extract(${row}.doc,${quoted(`$.${path}`)}) IS ${literal(value)}`)
      .join(' AND ');
  const refuse = `BEGIN SELECT RAISE(ABORT, 'protected row'); END`;
  const broken = `WHEN ${all('NEW', protection.when)} AND NOT (${all('NEW', protection.require)})`;
  const alive = `EXISTS (SELECT 1 FROM organizations WHERE _id = json_extract(OLD.doc,'$.organizationId'))`;
  const table = named(collection);
  return [
    ['insert', `BEFORE INSERT ON ${table} ${broken} ${refuse}`],
    ['update', `BEFORE UPDATE ON ${table} ${broken} ${refuse}`],
    ['delete', `BEFORE DELETE ON ${table} WHEN ${all('OLD', protection.when)} AND ${alive} ${refuse}`],
  ].map(([event, body]) => {
    const name = `${collection}.protect.${event}`;
    return [name, `CREATE TRIGGER ${named(name)} ${body}`] as const;
  });
}

/** Creates what is missing or changed and drops what the schemas no longer have; tables and their rows are never dropped. */
function build(connection: Connection, kind: 'table' | 'index' | 'trigger', wanted: ReadonlyMap<string, string>): void {
  const found = connection.all(`SELECT json_array(name, sql) FROM sqlite_schema WHERE type = ? AND sql IS NOT NULL`, [
    kind,
  ]);
  const existing = new Map(found.map((pair) => JSON.parse(String(pair)) as [string, string]));
  for (const [name, sql] of existing) {
    if (kind !== 'table' && wanted.get(name) !== sql) connection.exec(`DROP ${kind} ${named(name)}`);
  }
  for (const [name, sql] of wanted) {
    if (kind === 'table' ? !existing.has(name) : existing.get(name) !== sql) connection.exec(sql);
  }
}

/**
 * Brings the file to what the schemas say: the migrations that it has not seen, one table per collection (`_id`, and the
 * whole row as JSON), the indexes on expressions, and the triggers of OWN-6 unless `protection` is off; all in one
 * transaction. Answers the fields of each unique index by name.
 * Throws AppError('store_unavailable') for a file of a newer program, and where a migration fails.
 */
export function buildTables(
  connection: Connection,
  definitions: Definitions,
  protection: boolean,
  upgrades: readonly Migration[] = migrations,
): ReadonlyMap<string, readonly string[]> {
  const entries = Object.entries(definitions);
  const tables = entries.map(([name]) => {
    return [name, `CREATE TABLE ${named(name)} (_id TEXT PRIMARY KEY NOT NULL, doc TEXT NOT NULL) STRICT`] as const;
  });
  const indexes = entries.flatMap(([name, definition]) => readIndexes(name, definition));
  const triggers = protection ? entries.flatMap(([name, definition]) => readTriggers(name, definition)) : [];
  connection.exec('BEGIN IMMEDIATE');
  try {
    migrate(connection, upgrades);
    build(connection, 'table', new Map(tables));
    build(connection, 'index', new Map(indexes.map(({ name, sql }) => [name, sql])));
    build(connection, 'trigger', new Map(triggers));
    connection.exec('COMMIT');
  } catch (error) {
    if (connection.isInTransaction()) connection.exec('ROLLBACK');
    throw error;
  }
  return new Map(indexes.map(({ name, fields }) => [name, fields]));
}

/** Runs what a file of an earlier program lacks. `user_version` is 0 in a new file, which has nothing to migrate. */
function migrate(connection: Connection, upgrades: readonly Migration[]): void {
  const version = Number(connection.first('PRAGMA user_version', []));
  const pending = pendingMigrations(upgrades, version);
  for (const migration of version === 0 ? [] : pending) {
    try {
      migration.sqlite?.(connection);
    } catch (cause) {
      throw migrationFailure(migration, cause);
    }
  }
  const newest = versionAfter(upgrades);
  if (version < newest) connection.exec(`PRAGMA user_version = ${newest}`);
}
